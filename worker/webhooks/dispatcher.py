"""Sends what is due, many messages at a time: nobody waits for a receiver that hangs."""

import asyncio
import contextlib
import logging
import threading

import redis

from ..connections.connection import connect_patiently
from ..connections.outage import Outage
from ..settings import SenderSettings
from .outbox import DeliveryClaim, Limits, Outbox
from .pinning import Resolver
from .posting import Poster
from .schedule import delay_s, parse_schedule
from .urls import Policy

log = logging.getLogger(__name__)

LOOK_S = 0.25
"""While something is under way, this is how often the sender looks for what has become due."""

GRACE_S = 3.0
"""What is under way when a sender is told to stop has this long to end; then it is given back."""


class Dispatcher:
    """What is due, as one sender dispatches it: it claims, sends and concludes deliveries."""

    def __init__(self, settings: SenderSettings) -> None:
        self._settings = settings
        self._schedule = parse_schedule(settings.webhook_schedule_s)
        self._poster = Poster(
            Policy.of(settings),
            Resolver(settings.webhook_concurrency),
            connect_s=settings.webhook_connect_s,
            timeout_s=settings.webhook_timeout_s,
        )
        self._stopping = threading.Event()
        self._outage = Outage(log, "the outbox cannot be read", "the outbox can be read again")

    def drain(self) -> int:
        """Send until nothing is due or under way; returns how many attempts were made."""
        return asyncio.run(self._drain())

    def stop(self) -> None:
        """Claim no more; what is under way may end, but not for long."""
        self._stopping.set()

    async def _drain(self) -> int:
        settings = self._settings
        limits = Limits(
            lease_ms=round(2000 * settings.webhook_timeout_s),
            per_endpoint=settings.webhook_per_endpoint,
            per_caller=settings.webhook_per_caller,
            attempts=1 + len(self._schedule),
        )
        client = connect_patiently(settings.redis_url)
        try:
            made = await self._send_all(Outbox(client, limits))
            self._outage.over()
            return made
        except redis.RedisError as error:
            self._outage.failed(error)
            return 0
        finally:
            await client.aclose()

    async def _send_all(self, outbox: Outbox) -> int:
        under_way: set[asyncio.Task[None]] = set()
        made = 0
        try:
            while not self._stopping.is_set():
                room = self._settings.webhook_concurrency - len(under_way)
                claims = await outbox.claim(room) if room else []
                under_way |= {asyncio.create_task(self._deliver(outbox, each)) for each in claims}
                made += len(claims)
                if not under_way:
                    break
                _, under_way = await asyncio.wait(
                    under_way, timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED
                )
        finally:
            await _end(under_way)
        return made

    async def _deliver(self, outbox: Outbox, claim: DeliveryClaim) -> None:
        try:
            outcome = await self._poster.post(claim)
        except asyncio.CancelledError:
            with contextlib.suppress(redis.RedisError):
                await outbox.release(claim)
            return
        delay = delay_s(self._schedule, claim.attempt, outcome.retry_after)
        try:
            await outbox.conclude(claim, outcome, delay)
        except redis.RedisError as error:
            log.warning("%s will be sent again, since its outcome was not stored: %s", claim.id, error)
        if not outcome.delivered:
            log.info("%s attempt %d: %s", claim.id, claim.attempt, outcome.status or outcome.error)


async def _end(under_way: set[asyncio.Task[None]]) -> None:
    if under_way:
        _, late = await asyncio.wait(under_way, timeout=GRACE_S)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)  # one may be storing its outcome
