"""Deliberate faults: the proxy that causes them, campaigns that kill, and the judge of what follows."""
