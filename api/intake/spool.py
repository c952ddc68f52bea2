"""A request's body on its way in: small ones in memory, large ones in a file, within a limit."""

import mmap
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from types import TracebackType
from typing import IO, Self

from ..problems import Problem

IN_MEMORY = 1 << 20


class Spool:
    """Bytes that are written once and then looked at without copying. Deleted on exit."""

    def __init__(self) -> None:
        self._memory = bytearray()
        self._file: IO[bytes] | None = None

    def write(self, data: bytes) -> None:
        """Add `data`."""
        if self._file is None and len(self._memory) + len(data) > IN_MEMORY:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115, closed on exit
            self._file.write(self._memory)
            self._memory.clear()
        if self._file is None:
            self._memory += data
        else:
            self._file.write(data)

    def view(self) -> memoryview:
        """Everything written."""
        return memoryview(self._memory) if self._file is None else map_file(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()


def map_file(file: IO[bytes]) -> memoryview:
    """The bytes of a file that is not empty, paged in as they are looked at.

    The map outlives the file and ends with its last view.
    """
    file.flush()
    return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


async def limited(
    stream: AsyncIterator[bytes], most: int, declared: str | None
) -> AsyncGenerator[bytes, None]:
    """`stream`, cut with `body-too-large` at `most` bytes; at once if it is declared longer."""
    too_large = Problem("body-too-large", f"At most {most} bytes are taken in one request.", limit=most)
    if declared and declared.isdecimal() and int(declared) > most:
        raise too_large
    taken = 0
    async for data in stream:
        taken += len(data)
        if taken > most:
            raise too_large
        yield data
