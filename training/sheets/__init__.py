"""Sheets drawn from single characters, with the truth of what stands where, to measure the cutting."""
