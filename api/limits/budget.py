"""Bytes that one gateway holds at a time: of documents that it must read whole, and of a caller."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from ..problems import Problem

TURN_S = 5.0


class Documents:
    """JSON is held whole, several times over: at most `most` bytes of it at a time, in turns."""

    def __init__(self, most: int) -> None:
        self._most, self._held = most, 0
        self._freed = asyncio.Condition()

    @asynccontextmanager
    async def held(self, size: int) -> AsyncIterator[None]:
        """A document is read. One alone is always let in. Raises `too-many-documents` after a while."""
        if not size:
            yield
            return
        async with self._freed:
            try:
                async with asyncio.timeout(TURN_S):
                    await self._freed.wait_for(lambda: not self._held or self._fits(size))
            except TimeoutError:
                detail = "Too much JSON is being read; come back, or send a ZIP, which needs no memory."
                raise Problem("too-many-documents", detail, retry_after=2) from None
            self._held += size
        try:
            yield
        finally:
            self._held -= size
            async with self._freed:
                self._freed.notify_all()

    def _fits(self, size: int) -> bool:
        return self._held + size <= self._most


class Uploads:
    """Bytes of every caller's uploads that are under way here."""

    def __init__(self) -> None:
        self._held: Counter[str] = Counter()

    @contextmanager
    def of(self, owner: str, most: int) -> Iterator[Callable[[int], None]]:
        """Count what comes of one upload, up to `most` (0: any number) for all of its owner's.

        Raises `too-many-bytes`.
        """
        mine = 0

        def count(size: int) -> None:
            nonlocal mine
            if most and self._held[owner] + size > most:
                whole = mine + size > most
                detail = f"Your uploads under way have at most {most} bytes; send smaller ones" + (
                    "." if whole else ", or one after the other."
                )
                raise Problem("too-many-bytes", detail, retry_after=5, limit=most)
            mine += size
            self._held[owner] += size

        try:
            yield count
        finally:
            self._held[owner] -= mine
            if not self._held[owner]:
                del self._held[owner]
