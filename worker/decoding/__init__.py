"""Decodes untrusted images in a process of their own, which may crash, hang or be hijacked.

A worker starts a fork server (`python -m worker.decoding`), small and without torch; it forks a new
decoder whenever the last one is gone. A decoder has a socket to the worker, its memory, nothing else.
"""
