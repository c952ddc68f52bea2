"""How much is accepted, from whom, and when refused clients should retry."""
