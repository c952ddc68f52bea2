"""Trials: one small network each, trained in a pool of processes."""
