"""The gateway: HTTP in, job out. Never reaches torch, not even indirectly."""
