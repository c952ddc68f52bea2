"""Those who wait for a job to end: one subscription for all, and a look at the truth in between."""

import asyncio
import contextlib
import logging
from collections import defaultdict

import redis
import redis.asyncio

from worker import keys
from worker.jobs import Job, JobState, job_id
from worker.store import Store

log = logging.getLogger(__name__)

LOOK_S = 1.0
"""A notice may be missed while the link to Redis is down, so the job itself is read this often."""


class Waiting:
    """Wakes requests when the jobs they wait for end."""

    def __init__(self, store: Store, client: redis.asyncio.Redis) -> None:
        self._store, self._client = store, client
        self._events: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to listen."""
        self._task = asyncio.create_task(self._listen())

    async def stop(self) -> None:
        """Listen no more."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def until_final(self, name: str, seconds: float) -> Job | JobState | None:
        """The job once it is final, or as it is after `seconds`."""
        event, loop = asyncio.Event(), asyncio.get_running_loop()
        end = loop.time() + seconds
        self._events[name].add(event)
        try:
            while True:
                job = await self._store.job(name)
                left = end - loop.time()
                if not isinstance(job, Job) or job.state.final or left <= 0:
                    return job
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(event.wait(), min(left, LOOK_S))
                event.clear()
        finally:
            self._events[name].discard(event)
            if not self._events[name]:
                del self._events[name]

    async def _listen(self) -> None:
        while True:
            try:
                async with self._client.pubsub() as subscription:
                    await subscription.subscribe(keys.ENDED)
                    while True:
                        notice = await subscription.get_message(True, timeout=2.0)
                        if notice:
                            self._wake(notice["data"].decode())
            except (redis.RedisError, OSError) as error:
                log.warning("notices stopped, trying again: %s", error)
                await asyncio.sleep(LOOK_S)

    def _wake(self, name: str) -> None:
        log.info("job ended", extra={"event": "job.ended", "job": job_id(name)})
        for event in self._events.get(name, ()):
            event.set()
