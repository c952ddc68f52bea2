"""Strangers' images are decoded apart from the network: in a process that may crash, hang or be taken.

A worker starts one nursery (`python -m worker.decoding`), small and without torch, which forks a decoder
whenever the last one is gone; a decoder has a socket to the worker, its memory, and nothing else.
"""
