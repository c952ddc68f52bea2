"""Which of the images it was asked for a decoder has in hand: two numbers in shared memory.

So answers can travel together, and yet it is known what a decoder had in hand when it died.
"""

import mmap
import os
import struct

_IN_HAND = struct.Struct("<II")


class Progress:
    """Kept in memory that is shared with whoever is given `file`, or is forked. What others write there
    is not trusted."""

    def __init__(self, file: int) -> None:
        self._memory = mmap.mmap(file, _IN_HAND.size)

    def take(self, first: int, count: int = 1) -> None:
        """In hand are `count` images of the request from number `first` on."""
        _IN_HAND.pack_into(self._memory, 0, first, count)

    @property
    def in_hand(self) -> tuple[int, int]:
        """The first image, and how many."""
        first, count = _IN_HAND.unpack_from(self._memory)
        return first, count


def shared() -> int:
    """A file for it, in memory only."""
    file = os.memfd_create("progress")
    os.ftruncate(file, _IN_HAND.size)
    return file
