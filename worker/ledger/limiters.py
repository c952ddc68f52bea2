"""How many requests an owner makes and how many event streams it has open, on all gateways together."""

from collections.abc import Iterable
from dataclasses import dataclass

import redis.asyncio

from . import keys
from .scripts import source

LEASE_MS = 30_000
"""A stream is counted for at most this long after its gateway died."""


@dataclass(frozen=True)
class Permit:
    """Whether there was a token; tokens left, seconds to the next one and to a full bucket."""

    granted: bool
    left: int
    next_s: float
    full_s: float


class TokenBuckets:
    """Each owner's requests, over one Redis."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._bucket = client.register_script(source("bucket"))

    async def take(self, owner: str, rate: float, most: int) -> Permit:
        """A token of an owner who may make `rate` requests a second, and `most` at once."""
        granted, left, until_next, until_full = await self._bucket(args=[owner, rate, most])
        return Permit(bool(granted), left, until_next / 1000, until_full / 1000)


class StreamSemaphores:
    """Each owner's open event streams, over one Redis: a semaphore whose places are leased."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client = client
        self._semaphore = client.register_script(source("semaphore"))

    async def acquire(self, owner: str, most: int, stream: str) -> bool:
        """Count a new stream, unless the owner has `most` already; whether it was counted."""
        return bool(await self._semaphore(args=[owner, most, LEASE_MS, stream]))

    async def renew(self, owner: str, streams: Iterable[str]) -> None:
        """Go on counting streams that are open; due before LEASE_MS are over."""
        await self._semaphore(args=[owner, 0, LEASE_MS, *streams])

    async def release(self, owner: str, stream: str) -> None:
        """Stop counting a stream that was closed."""
        await self._client.zrem(keys.streams(owner), stream)
