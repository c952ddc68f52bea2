"""What features of another task bring."""
