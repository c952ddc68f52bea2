"""What the gateway tells of itself: its metrics, its access log, its spans."""
