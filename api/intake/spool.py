"""An incoming request body: in memory if it is small, in a file if it is large; within a limit."""

import mmap
import tempfile
from typing import IO, ClassVar, Self

from ..problems import Problem

IN_MEMORY = 1 << 20
ALL_IN_MEMORY = 16 << 20
"""Most bytes held in memory: of one upload, and of all uploads in progress."""


class Spool:
    """Bytes that are written once and then viewed without copying. Deleted on exit."""

    held: ClassVar[int] = 0

    def __init__(self) -> None:
        self._memory = bytearray()
        self._file: IO[bytes] | None = None
        self._map: mmap.mmap | None = None

    def write(self, data: bytes) -> None:
        """Add `data`."""
        if self._file is None and not self._fits(len(data)):
            self._file = tempfile.TemporaryFile()  # noqa: SIM115, closed on exit
            self._file.write(self._memory)
            self._let_go()
        if self._file is None:
            self._memory += data
            Spool.held += len(data)
        else:
            self._file.write(data)

    def view(self) -> memoryview:
        """Everything written."""
        if self._file is None:
            return memoryview(self._memory)
        self._file.flush()
        self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        return memoryview(self._map)

    def forget(self) -> None:
        """Release the pages that were read from the file; they are loaded again if needed."""
        forget(self._map)

    def _fits(self, size: int) -> bool:
        return len(self._memory) + size <= IN_MEMORY and Spool.held + size <= ALL_IN_MEMORY

    def _let_go(self) -> None:
        Spool.held -= len(self._memory)
        self._memory = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._let_go()
        self._map = None  # unmapped with its last view
        if self._file is not None:
            self._file.close()


def forget(buffer: object) -> None:
    """Release the pages that were read, if `buffer` is a map of a file."""
    if isinstance(buffer, mmap.mmap):
        buffer.madvise(mmap.MADV_DONTNEED)


class Limit:
    """Counts the bytes of a body. Raises `body-too-large` over `most`; at once if more are declared."""

    def __init__(self, most: int, declared: str | None) -> None:
        self._most, self.taken = most, 0
        if declared and declared.isdecimal() and int(declared) > most:
            raise self._too_large()

    def add(self, size: int) -> None:
        """Count `size` more bytes. Raises `body-too-large`."""
        self.taken += size
        if self.taken > self._most:
            raise self._too_large()

    def _too_large(self) -> Problem:
        detail = f"At most {self._most} bytes are accepted here; send several requests."
        problem = Problem("body-too-large", detail, limit=self._most)
        problem.headers["Connection"] = "close"  # the rest is not wanted
        return problem
