"""The outbox as a sender sees it: claim what is due, record the outcome. Each is one Lua script."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import redis.asyncio

from ..ledger.scripts import source


@dataclass(frozen=True)
class DeliveryClaim:
    """A delivery that is ours for one lease; `attempt` counts from 1, `event` is the ledger's."""

    id: str
    token: int
    attempt: int
    url: str
    event: bytes
    secrets: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """How an attempt went: the status of an answer, or why there was none."""

    took_s: float
    status: int | None = None
    error: str | None = None
    retry_after: str | None = None

    @property
    def delivered(self) -> bool:
        """Whether the receiver has it."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """Whether the receiver wants no more messages, ever."""
        return self.status == 410


@dataclass(frozen=True)
class Limits:
    """A lease (ms), simultaneous requests to a receiver and of an owner, attempts at a delivery."""

    lease_ms: int
    per_endpoint: int
    per_caller: int
    attempts: int


class Outbox:
    """A sender's side of the outbox, over one Redis."""

    def __init__(self, client: redis.asyncio.Redis, limits: Limits) -> None:
        self._limits = limits
        self._dispatch = client.register_script(source("dispatch"))
        self._conclude = client.register_script(source("conclude"))

    async def claim(self, room: int) -> list[DeliveryClaim]:
        """Up to `room` deliveries that are due."""
        limits = self._limits
        args = [room, limits.lease_ms, limits.per_endpoint, limits.per_caller, limits.attempts]
        return [
            DeliveryClaim(
                message.decode(), token, attempt, url.decode(), event, tuple(map(bytes.decode, secrets))
            )
            for message, token, attempt, url, event, *secrets in await self._dispatch(args=args)
        ]

    async def conclude(self, claim: DeliveryClaim, outcome: Outcome, delay_s: float) -> str:
        """Record an attempt; if it failed, the next is due in `delay_s`. Return the state afterwards."""
        verdict = "delivered" if outcome.delivered else "gone" if outcome.gone else "failed"
        took_ms = round(outcome.took_s * 1000)  # the ledger adds when it began
        attempt = {"took_ms": took_ms, "status": outcome.status, "error": outcome.error}
        return await self._end(claim, verdict, attempt, delay_s)

    async def release(self, claim: DeliveryClaim) -> None:
        """Give a claim back; the attempt does not count."""
        await self._end(claim, "released", {}, 0)

    async def _end(
        self, claim: DeliveryClaim, verdict: str, attempt: Mapping[str, object], delay_s: float
    ) -> str:
        listed, delay_ms, most = json.dumps(attempt), round(delay_s * 1000), self._limits.attempts
        args: list[str | int] = [claim.id, claim.token, verdict, listed, delay_ms, most]
        state: bytes = await self._conclude(args=args)
        return state.decode()
