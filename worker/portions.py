"""Things of different sizes cut into portions: claims into batches, files into what a decoder gets."""

from collections.abc import Iterable, Iterator


def portions(sizes: Iterable[int], most: int) -> Iterator[slice]:
    """Where each portion lies: in order, of at most `most` together, or of a single thing."""
    start = end = total = 0
    for size in sizes:
        if end > start and total + size > most:
            yield slice(start, end)
            start, total = end, 0
        end += 1
        total += size
    if end > start:
        yield slice(start, end)
