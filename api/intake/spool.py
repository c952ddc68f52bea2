"""A request's body on its way in: small ones in memory, large ones in a file, within a limit."""

import mmap
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from types import TracebackType
from typing import Self

from ..problems import Problem

IN_MEMORY = 1 << 20


class Spool:
    """Bytes that are written once and then looked at without copying. Deleted on exit."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115
        self._map: mmap.mmap | None = None
        self._view: memoryview | None = None

    def write(self, data: bytes) -> None:
        """Add `data`."""
        self._file.write(data)

    def view(self) -> memoryview:
        """Everything written, mapped from the file if it is one."""
        if self._view is None:
            self._file.seek(0)
            if self._file._rolled:  # type: ignore[attr-defined]
                self._file.flush()
                self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
                self._view = memoryview(self._map)
            else:
                self._view = memoryview(self._file.read())
        return self._view

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # The map closes itself with its last view; images cut from it may still be on their way.
        self._view = self._map = None
        self._file.close()


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
