"""Cuts things of different sizes into portions: claims for a batch, files for a message to a decoder."""

from collections.abc import Iterable, Iterator


def portions(sizes: Iterable[int], most: int) -> Iterator[slice]:
    """The slice of each portion, in order: sizes of at most `most` in all, or a single thing."""
    start = end = total = 0
    for size in sizes:
        if end > start and total + size > most:
            yield slice(start, end)
            start, total = end, 0
        end += 1
        total += size
    if end > start:
        yield slice(start, end)
