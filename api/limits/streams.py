"""Limits on a caller's open event streams: on this gateway, and by quota on all together."""

import asyncio
import logging
import secrets
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from prometheus_client import Gauge

from worker.limiters import LEASE_MS, StreamSemaphores

from ..problems import Problem
from .quotas import Quotas

log = logging.getLogger(__name__)


class LocalStreamLimit:
    """At most `most` streams of each caller on this gateway; `gauge` shows how many are open in all."""

    def __init__(self, most: int, gauge: Gauge) -> None:
        self._most, self._gauge = most, gauge
        self._open: Counter[str] = Counter()

    @contextmanager
    def stream(self, owner: str) -> Iterator[None]:
        """One stream, for as long as this is open. Raises the problem `too-many-streams`."""
        if self._open[owner] >= self._most:
            detail = f"You follow {self._most} jobs here already; close a stream, or poll this job."
            raise Problem("too-many-streams", detail, retry_after=5, limit=self._most)
        self._open[owner] += 1
        self._gauge.inc()
        try:
            yield
        finally:
            self._gauge.dec()
            self._open[owner] -= 1
            if not self._open[owner]:
                del self._open[owner]


class SharedStreamLimit:
    """Limits a caller's streams on all gateways together by the caller's quota."""

    def __init__(self, semaphores: StreamSemaphores, quotas: Quotas) -> None:
        self._semaphores, self._quotas = semaphores, quotas
        self._open: defaultdict[str, set[str]] = defaultdict(set)
        self._renewing: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def stream(self, owner: str) -> AsyncIterator[None]:
        """One stream, for as long as this is open. Raises the problem `too-many-streams`."""
        most = self._quotas.of(owner).streams
        if not most:
            yield
            return
        stream = secrets.token_hex(8)
        if not await self._semaphores.acquire(owner, most, stream):
            detail = f"You follow {most} jobs already; close a stream, or poll this job."
            raise Problem("too-many-streams", detail, retry_after=5, limit=most)
        self._open[owner].add(stream)
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._renew())
        try:
            yield
        finally:
            self._open[owner].discard(stream)
            await asyncio.shield(_quietly(self._semaphores.release(owner, stream)))

    async def _renew(self) -> None:
        """Renew leases until nobody has a stream here."""
        while any(self._open.values()):
            await asyncio.sleep(LEASE_MS / 3000)
            for owner, streams in list(self._open.items()):
                if streams:
                    await _quietly(self._semaphores.renew(owner, list(streams)))
                else:
                    del self._open[owner]


async def _quietly(call: Coroutine[Any, Any, None]) -> None:
    """Await `call`, and log any error: a count that could not be changed ends with its lease."""
    try:
        await call
    except Exception as error:
        log.warning("event streams could not be counted: %s", error)
