"""Whether another job is accepted: checks before its body is read, and the problem if it is refused."""

from collections.abc import Sequence

from anyio.to_thread import run_sync

from worker.ledger.admission import Limits, Verdict
from worker.ledger.gauges import Gauges, Pressure
from worker.ledger.submissions import Submissions
from worker.redis_watch import RedisWatch

from ..problems import Problem
from ..settings import GatewaySettings
from ..single_flight_cache import SingleFlightCache
from .quotas import Quotas
from .refusals import refusal

FRESH_S = 0.1
"""How old the figures may be by which a body is refused; those of the ledger's scripts are exact."""

PACKED = 3 / 4
"""Bytes stored per byte of base64; other bodies take more."""


class Admission:
    """Admission control of one gateway: it decides, and job_entry.py acts."""

    def __init__(
        self,
        submissions: Submissions,
        gauges: Gauges,
        models: Sequence[str],
        settings: GatewaySettings,
        quotas: Quotas,
        redis_watch: RedisWatch,
    ) -> None:
        self._submissions, self._gauges, self._models = submissions, gauges, models
        self._settings, self._redis_watch = settings, redis_watch
        self._pressures: SingleFlightCache[Pressure] = SingleFlightCache(FRESH_S, 1)
        self.quotas = quotas

    async def admit(self, owner: str, known_by: Sequence[str], declared: int) -> Limits:
        """The limits on staging a job of `declared` bytes.

        A job that exists already, as one of the keys `known_by` does then, is let through if there is
        memory to compare it, so that a repeated request gets its answer.
        Raises `storage-unsafe`, `queue-full`, `memory-full` and `body-too-large`.
        """
        limits, pressure = self.limits(owner), await self._pressure()
        if pressure.images >= limits.max_queued and not await self._submissions.knows(known_by):
            excess = pressure.images + 1 - limits.max_queued
            raise await self.refusal(Verdict("full", figure=excess), owner)
        size = round(declared * PACKED)
        if size > pressure.largest:
            raise await self.refusal(Verdict("large", figure=pressure.largest), owner)
        if pressure.used + size >= pressure.most:
            excess = pressure.used + size - pressure.most
            raise await self.refusal(Verdict("memory", figure=excess), owner)
        return limits

    def limits(self, owner: str) -> Limits:
        """The limits on a job of `owner`. Raises `storage-unsafe`."""
        self._require_safe()
        settings = self._settings
        return Limits(
            owner=owner,
            max_queued=settings.max_queued,
            max_owner=self.quotas.of(owner).queued,
            max_open=settings.max_open,
            window=settings.window,
            memory=settings.redis_memory,
            mark=settings.memory_mark,
            server=self._redis_watch.server,
        )

    async def look_again(self) -> None:
        """Check the settings of Redis, which has been restarted. Raises `storage-unsafe`."""
        await run_sync(self._redis_watch.look)
        self._require_safe()

    def _require_safe(self) -> None:
        if fault := self._redis_watch.fault:
            raise Problem("storage-unsafe", f"No job is accepted: {fault}", retry_after=30)

    async def refusal(self, verdict: Verdict, owner: str) -> Problem:
        """The problem that tells `owner` of `verdict`."""
        return refusal(verdict, await self._pressure(), self._settings, self.quotas.of(owner))

    async def _pressure(self) -> Pressure:
        memory, mark = self._settings.redis_memory, self._settings.memory_mark
        return await self._pressures.get("", lambda: self._gauges.pressure(self._models, memory, mark))
