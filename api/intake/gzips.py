"""A .gz as a file that is unpacked while it is read."""

import io
import zlib
from typing import TYPE_CHECKING

from ..problems import Problem

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_STEP = 1 << 16


class Gunzip(io.RawIOBase):
    """The content of `view`. Reading raises `archive-invalid` for damage."""

    def __init__(self, view: memoryview) -> None:
        self._view = view
        self._waiting = b""
        self._inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill some of `buffer`; 0 at the end."""
        room = memoryview(buffer).cast("B")
        while not self._inflate.eof:
            if data := self._unpack(len(room)):
                room[: len(data)] = data
                return len(data)
        return 0

    def _unpack(self, most: int) -> bytes:
        if not self._waiting:
            self._waiting, self._view = bytes(self._view[:_STEP]), self._view[_STEP:]
        if not self._waiting:
            raise Problem("archive-invalid", "The .gz is cut off; send it again.")
        try:
            data = self._inflate.decompress(self._waiting, most)
        except zlib.error as error:
            raise Problem("archive-invalid", f"The .gz is damaged: {error}; pack it again.") from error
        self._waiting = self._inflate.unconsumed_tail
        return data
