"""Images of strangers are decoded apart from the network: that process may crash, hang or be hijacked.

A worker starts a fork server (`python -m worker.decoding`), small and without torch; it forks a decoder
whenever the last one is gone. A decoder has a socket to the worker, its memory, and nothing else.
"""
