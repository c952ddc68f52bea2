"""Faults on purpose: the proxy that makes them, campaigns that kill, and the one judge of them all."""
