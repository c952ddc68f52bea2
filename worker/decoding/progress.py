"""Which images of a request a decoder has in hand: two numbers in shared memory.

Thus replies can travel together, and yet the worker knows what a decoder had in hand when it died.
"""

import mmap
import os
import struct

_IN_HAND = struct.Struct("<II")


class Progress:
    """Kept in memory shared with every process that is given `file`, or is forked. What others write
    there is not trusted."""

    def __init__(self, file: int) -> None:
        self._memory = mmap.mmap(file, _IN_HAND.size)

    def take(self, first: int, count: int = 1) -> None:
        """Record that `count` images of the request, from number `first` on, are in hand."""
        _IN_HAND.pack_into(self._memory, 0, first, count)

    @property
    def in_hand(self) -> tuple[int, int]:
        """The number of the first image in hand, and how many there are."""
        first, count = _IN_HAND.unpack_from(self._memory)
        return first, count


def shared() -> int:
    """A new file for a Progress, in memory only."""
    file = os.memfd_create("progress")
    os.ftruncate(file, _IN_HAND.size)
    return file
