"""A ZIP written as it is sent: never whole in memory or on disk, nor its size known in advance."""

import time
from collections.abc import AsyncIterator, Sequence
from zipfile import ZIP_STORED, ZipFile, ZipInfo

MOST = 100_000
"""Images in one ZIP: its directory is written last, and held in memory until then."""

File = tuple[str, bytes]
"""A path inside the archive, and the content."""


class _Outlet:
    """A write-only file that is emptied in between."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def take(self) -> bytes:
        """What was written since the last time."""
        data = b"".join(self._parts)
        self._parts.clear()
        return data


async def zip_stream(files: AsyncIterator[Sequence[File]], made: int) -> AsyncIterator[bytes]:
    """The bytes of a ZIP of `files`, which come some at a time; `made` (ms) is their date.

    Nothing is compressed: images already are. The archive is whole only if the stream came to its end.
    """
    outlet, when = _Outlet(), time.gmtime(made / 1000)[:6]
    archive = ZipFile(outlet, "w", ZIP_STORED)  # type: ignore[call-overload]
    async for some in files:
        for path, data in some:
            archive.writestr(ZipInfo(path, when), data)
        if data := outlet.take():
            yield data
    archive.close()
    yield outlet.take()
