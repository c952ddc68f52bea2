"""How many requests an owner makes and how many event streams it has open, on all gateways together."""

from collections.abc import Iterable
from dataclasses import dataclass

import redis.asyncio

from . import keys
from .scripts import source

LEASE_MS = 30_000
"""A stream is counted for at most this long after its gateway died."""


@dataclass(frozen=True)
class Pass:
    """Whether a request may pass; requests left, seconds to the next one and to a full bucket."""

    granted: bool
    left: int
    next_s: float
    full_s: float


class Turnstile:
    """The gateway's count, over one Redis."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client = client
        self._pass = client.register_script(source("pass"))
        self._seat = client.register_script(source("seat"))

    async def request(self, owner: str, rate: float, most: int) -> Pass:
        """One request of an owner who may make `rate` a second, and `most` at once."""
        granted, left, until_next, until_full = await self._pass(args=[owner, rate, most])
        return Pass(bool(granted), left, until_next / 1000, until_full / 1000)

    async def sit(self, owner: str, most: int, stream: str) -> bool:
        """Count a new stream, unless the owner has `most` already; whether it was counted."""
        return bool(await self._seat(args=[owner, most, LEASE_MS, stream]))

    async def stay(self, owner: str, streams: Iterable[str]) -> None:
        """Go on counting streams that are open; due before LEASE_MS are over."""
        await self._seat(args=[owner, 0, LEASE_MS, *streams])

    async def leave(self, owner: str, stream: str) -> None:
        """A stream is closed."""
        await self._client.zrem(keys.streams(owner), stream)
