"""Limits on the bytes that one gateway holds: of documents read whole, and of each caller's uploads."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

from ..problems import Problem

TURN_S = 5.0


class Documents:
    """Lets documents be read in turns, `most` bytes at a time: JSON is held whole, several times."""

    def __init__(self, most: int) -> None:
        self._most, self._held = most, 0
        self._freed = asyncio.Condition()

    def held(self, size: int) -> AbstractAsyncContextManager[None]:
        """A context to read one document. One alone is always let in. Raises `too-many-documents`."""
        return self._turn(size) if size else nullcontext()

    @asynccontextmanager
    async def _turn(self, size: int) -> AsyncIterator[None]:
        async with self._freed:
            try:
                async with asyncio.timeout(TURN_S):
                    await self._freed.wait_for(lambda: not self._held or self._held + size <= self._most)
            except TimeoutError:
                detail = "Too much JSON is being read; try again, or send a ZIP, which takes no memory."
                raise Problem("too-many-documents", detail, retry_after=2) from None
            self._held += size
        try:
            yield
        finally:
            self._held -= size
            async with self._freed:
                self._freed.notify_all()


class Uploads:
    """The bytes of each caller's uploads in progress at this gateway."""

    def __init__(self) -> None:
        self._held: Counter[str] = Counter()

    def of(self, owner: str, most: int) -> "UploadMeter":
        """A meter of one upload; all of its owner's together may have `most` bytes (0: no limit)."""
        return UploadMeter(self._held, owner, most)


class UploadMeter:
    """A context that yields the function to count bytes; a generator would cost more per request."""

    def __init__(self, held: Counter[str], owner: str, most: int) -> None:
        self._held, self._owner, self._most = held, owner, most
        self._mine = 0

    def __enter__(self) -> Callable[[int], None]:
        return self._count

    def __exit__(self, *_: object) -> None:
        self._held[self._owner] -= self._mine
        if not self._held[self._owner]:
            del self._held[self._owner]

    def _count(self, size: int) -> None:
        """Count `size` more bytes. Raises `too-many-bytes`."""
        if (most := self._most) and self._held[self._owner] + size > most:
            whole = self._mine + size > most
            detail = f"Your uploads in progress may have {most} bytes in all; send smaller ones" + (
                "." if whole else ", or one after the other."
            )
            raise Problem("too-many-bytes", detail, retry_after=5, limit=most)
        self._mine += size
        self._held[self._owner] += size
