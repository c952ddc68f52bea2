"""How much is accepted, from whom, and when those who are refused should come back."""
