"""The state of the ledger as a whole: queues, counters, histograms, workers, outbox, memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import redis.asyncio

from . import keys
from .jobs import Lane
from .scripts import source


@dataclass(frozen=True)
class Queue:
    """What waits for a model in a lane: jobs, images, chunks that are due, chunks that are leased, and
    for how long the oldest due chunk has waited (s; None: none is due)."""

    lane: Lane
    jobs: int
    images: int
    due: int
    leased: int
    oldest_s: float | None


@dataclass(frozen=True)
class Backlog:
    """What waits for a model, and how fast it is read (images a second; 0: unknown, or idle)."""

    model: str
    rate: float
    lanes: tuple[Queue, ...]

    @property
    def images(self) -> int:
        """Images in all lanes."""
        return sum(lane.images for lane in self.lanes)


@dataclass(frozen=True)
class Memory:
    """Bytes that Redis uses, and may use (0: no limit of its own)."""

    used: int
    limit: int


@dataclass(frozen=True)
class Outgoing:
    """Senders that are alive, webhooks that are still to be sent, and for how long the oldest of those
    that could be sent now has waited (s; None: there is none)."""

    senders: int
    waiting: int
    oldest_s: float | None


@dataclass(frozen=True)
class Pressure:
    """How full everything is: images queued, images done a second in all; bytes used or promised to
    results, the most that may be, those that an empty Redis uses, and those of the largest job for which
    there can ever be room."""

    images: int
    rate: float
    used: int
    most: int
    empty: int
    largest: int


class Gauges:
    """The gateway's instruments, over one Redis."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client = client
        self._queue = client.register_script(source("queue"))
        self._pressure = client.register_script(source("pressure"))
        self._outgoing = client.register_script(source("outgoing"))

    async def backlogs(self, models: Sequence[str]) -> list[Backlog]:
        """What waits for each of `models`, all at one instant."""
        return [
            Backlog(model, done / seconds if seconds else 0.0, tuple(map(_queue, keys.LANES, lanes)))
            for model, (done, seconds, *lanes) in zip(
                models, await self._queue(args=models), strict=True
            )
        ]

    async def pressure(self, models: Sequence[str], memory: int, mark: float) -> Pressure:
        """How full everything is; jobs may take the share `mark` of Redis's maxmemory, or of `memory`
        bytes where it has none, or (0) of its machine's."""
        images, rate, *sizes = await self._pressure(args=[memory, mark, *models])
        return Pressure(images, float(rate), *sizes)

    async def outgoing(self) -> Outgoing:
        """What is in the outbox, and who is there to send it."""
        senders, waiting, oldest = await self._outgoing()
        return Outgoing(senders, waiting, _seconds(oldest))

    async def peak(self) -> int:
        """The most images that were ever queued."""
        return int(await self._client.get(keys.PEAK) or 0)

    async def stats(self) -> dict[str, int]:
        """The ledger's counters since it began."""
        return await self._numbers(keys.STATS)

    async def measures(self) -> dict[str, int]:
        """What workers measured since the ledger began (see measures.histograms)."""
        return await self._numbers(keys.MEASURES)

    async def workers(self, within_ms: int = keys.ALIVE_MS) -> list[dict[str, str]]:
        """What every worker with a heartbeat `within_ms` says of itself."""
        clock: Any = await self._client.time()
        since = clock[0] * 1000 - within_ms
        ids: Any = await self._client.zrangebyscore(keys.WORKERS, since, "+inf")
        async with self._client.pipeline(transaction=False) as pipe:
            for each in ids:
                pipe.hgetall(keys.worker(each.decode()))
            facts = await pipe.execute()
        told = [{key.decode(): value.decode() for key, value in each.items()} for each in facts]
        return [each for each in told if "id" in each]

    async def memory(self) -> Memory:
        """What Redis says of its memory."""
        info: Mapping[str, Any] = await self._client.info("memory")
        return Memory(int(info["used_memory"]), int(info.get("maxmemory", 0)))

    async def _numbers(self, key: str) -> dict[str, int]:
        raw: Any = await self._client.hgetall(key)
        return {field.decode(): int(value) for field, value in raw.items()}


def _queue(lane: Lane, figures: Sequence[int]) -> Queue:
    jobs, images, due, leased, oldest = figures
    return Queue(lane, jobs, images, due, leased, _seconds(oldest))


def _seconds(ms: int) -> float | None:
    """How long something has waited; None for the -1 that says that nothing has."""
    return ms / 1000 if ms >= 0 else None
