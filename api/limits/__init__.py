"""How much is taken in, of whom, and when those who are refused should come back."""
