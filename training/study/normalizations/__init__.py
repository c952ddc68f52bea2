"""BatchNorm against GroupNorm over batch sizes."""
