"""Fully connected networks: a sweep over six factors."""
