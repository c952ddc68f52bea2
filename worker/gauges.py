"""What the ledger says of itself as a whole: queues, counters, workers."""

from dataclasses import dataclass
from typing import Any

import redis.asyncio

from . import keys
from .jobs import Lane


@dataclass(frozen=True)
class Queue:
    """How much waits for a model, and how fast it goes (images a second; 0: unknown)."""

    jobs: int
    images: int
    rate: float


class Gauges:
    """The gateway's instruments, over one Redis."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client = client

    async def queue(self, model: str, lane: Lane) -> Queue:
        """What waits for `model` in `lane`."""
        clock: Any = await self._client.time()
        seconds = range(clock[0] - 10, clock[0])
        async with self._client.pipeline(transaction=False) as pipe:
            pipe.zcard(keys.line(model, lane))
            pipe.get(keys.load(model, lane))
            pipe.mget([keys.done(model, second) for second in seconds])
            jobs, images, done = await pipe.execute()
        lately = [int(each) for each in done if each]
        return Queue(jobs, int(images or 0), sum(lately) / len(lately) if lately else 0.0)

    async def stats(self) -> dict[str, int]:
        """The ledger's counters since it began."""
        raw: Any = await self._client.hgetall(keys.STATS)
        return {key.decode(): int(value) for key, value in raw.items()}

    async def workers(self, within_ms: int = 10_000) -> list[dict[str, str]]:
        """What every worker with a recent heartbeat says of itself."""
        clock: Any = await self._client.time()
        since = clock[0] * 1000 - within_ms
        ids: Any = await self._client.zrangebyscore(keys.WORKERS, since, "+inf")
        async with self._client.pipeline(transaction=False) as pipe:
            for each in ids:
                pipe.hgetall(keys.worker(each.decode()))
            facts = await pipe.execute()
        return [{key.decode(): value.decode() for key, value in each.items()} for each in facts]
