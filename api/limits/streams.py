"""Limits on a caller's open event streams: on this gateway, and by quota on all together."""

import asyncio
import logging
import secrets
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from prometheus_client import Gauge

from worker.ledger.limiters import LEASE_MS, StreamSemaphores

from ..problems import Problem
from .quotas import Quotas

EVERY_S = LEASE_MS / 3000
"""Between renewals of leases."""

log = logging.getLogger(__name__)


class StreamLimits:
    """Limits a caller's streams: to `most` on this gateway, and to the caller's quota on all together.

    `gauge` shows how many are open here in all.
    """

    def __init__(self, most: int, gauge: Gauge, semaphores: StreamSemaphores, quotas: Quotas) -> None:
        self._most, self._gauge, self._semaphores, self._quotas = most, gauge, semaphores, quotas
        self._open: Counter[str] = Counter()
        self._leased: defaultdict[str, set[str]] = defaultdict(set)
        self._renewing: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def stream(self, owner: str) -> AsyncIterator[None]:
        """One stream, for as long as this is open. Raises the problem `too-many-streams`."""
        if self._open[owner] >= self._most:  # told without Redis, and before a place there is taken
            raise _too_many(self._most, "here already")
        self._open[owner] += 1
        try:
            async with self._lease(owner):
                with self._gauge.track_inprogress():
                    yield
        finally:
            self._open[owner] -= 1
            if not self._open[owner]:
                del self._open[owner]

    @asynccontextmanager
    async def _lease(self, owner: str) -> AsyncIterator[None]:
        """One of the streams of the owner's quota, if there is one; its lease is renewed."""
        stream, most = secrets.token_hex(8), self._quotas.of(owner).streams
        if not most:
            yield
            return
        if not await self._semaphores.acquire(owner, most, stream):
            raise _too_many(most, "already")
        self._leased[owner].add(stream)
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._renew())
        try:
            yield
        finally:
            self._leased[owner].discard(stream)
            await asyncio.shield(_quietly(self._semaphores.release(owner, stream)))

    async def _renew(self) -> None:
        """Renew leases until nobody has one here."""
        while any(self._leased.values()):
            await asyncio.sleep(EVERY_S)
            for owner, streams in list(self._leased.items()):
                if streams:
                    await _quietly(self._semaphores.renew(owner, list(streams)))
                else:
                    del self._leased[owner]


def _too_many(most: int, where: str) -> Problem:
    detail = f"You follow {most} jobs {where}; close a stream, or poll this job."
    return Problem("too-many-streams", detail, retry_after=5, limit=most)


async def _quietly(call: Coroutine[Any, Any, None]) -> None:
    """Await `call`, and log any error: a count that could not be changed ends with its lease."""
    try:
        await call
    except Exception as error:
        log.warning("event streams could not be counted: %s", error)
