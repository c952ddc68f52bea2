"""How many event streams a caller has open on all gateways, where there is a quota of them."""

import asyncio
import logging
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import redis

from worker.turnstile import LEASE_MS, Turnstile

from ..problems import Problem
from .quotas import Quotas

log = logging.getLogger(__name__)


class Seats:
    """The streams of one gateway that are counted with those of the others."""

    def __init__(self, turnstile: Turnstile, quotas: Quotas) -> None:
        self._turnstile, self._quotas = turnstile, quotas
        self._taken: defaultdict[str, set[str]] = defaultdict(set)
        self._renewing: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def taken_by(self, owner: str) -> AsyncIterator[None]:
        """One of the caller's, for as long as this is open. Raises the problem `too-many-streams`."""
        most = self._quotas.of(owner).streams
        if not most:
            yield
            return
        stream = secrets.token_hex(8)
        if not await self._turnstile.sit(owner, most, stream):
            detail = f"You follow {most} jobs already; close a stream, or poll this job."
            raise Problem("too-many-streams", detail, retry_after=5, limit=most)
        self._taken[owner].add(stream)
        self._renewing = self._renewing or asyncio.create_task(self._renew())
        try:
            yield
        finally:
            self._taken[owner].discard(stream)
            await asyncio.shield(_quietly(self._turnstile.leave(owner, stream)))

    async def _renew(self) -> None:
        """Until nobody has a stream here."""
        while any(self._taken.values()):
            await asyncio.sleep(LEASE_MS / 3000)
            for owner, streams in list(self._taken.items()):
                if streams:
                    await _quietly(self._turnstile.stay(owner, list(streams)))
                else:
                    del self._taken[owner]
        self._renewing = None


async def _quietly(call: Coroutine[Any, Any, None]) -> None:
    """A count that could not be told is forgotten by its lease."""
    try:
        await call
    except redis.RedisError as error:
        log.warning("event streams could not be counted: %s", error)
