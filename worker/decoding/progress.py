"""How many of the images it was asked for a decoder has come to the end of: a number that both see.

So answers can travel together, and who dies names the image in hand all the same.
"""

import mmap
import os
import struct

_NUMBER = struct.Struct("<I")


class Progress:
    """Kept in memory that is shared with whoever is given `file`, or forked. Who else writes there is
    not trusted."""

    def __init__(self, file: int) -> None:
        self._memory = mmap.mmap(file, _NUMBER.size)

    @property
    def done(self) -> int:
        """Images of the last question."""
        number: int = _NUMBER.unpack_from(self._memory)[0]
        return number

    @done.setter
    def done(self, number: int) -> None:
        _NUMBER.pack_into(self._memory, 0, number)


def shared() -> int:
    """A file for it that lives in memory only."""
    file = os.memfd_create("progress")
    os.ftruncate(file, _NUMBER.size)
    return file
