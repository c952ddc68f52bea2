"""What clients see, as /docs describes it."""
