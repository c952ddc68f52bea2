"""What the gateway reports about itself: its metrics, its access log, its spans."""
