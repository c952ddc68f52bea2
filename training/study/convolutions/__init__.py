"""Convolutional networks of one, two and three layers."""
