"""Waiting for a job to end: woken by its notification, and reading the job itself in between."""

import asyncio
from collections.abc import AsyncIterator

from worker.ledger.jobs import Job, JobState
from worker.ledger.store import JobGone, Store

from .notifications import JobNotifications, Listener, heard_within

LOOK_S = 1.0
"""A notification may be missed while the link to Redis is down, so the job itself is read this often."""

FOLLOW_S = 0.1
"""How often a client that reads along is sent the results that have become known."""


class Waiting:
    """Lets requests wait for their jobs to end."""

    def __init__(self, store: Store, notifications: JobNotifications) -> None:
        self._store, self._notifications = store, notifications

    def expecting(self, name: str) -> Listener:
        """A context that yields the event for `results`; enter it before submitting the job, which has
        one image."""
        return self._notifications.listen(name, end_only=True)

    async def results(self, name: str, ended: asyncio.Event, seconds: float) -> bytes:
        """The packed results of a job of one image, if its notification brings them within `seconds`,
        at most LOOK_S; else empty, and the job itself must be read."""
        if not (ended.is_set() or self._notifications.closed):
            await heard_within(ended, min(seconds, LOOK_S))
        return self._notifications.results(name)

    async def until_final(self, name: str, seconds: float) -> Job | JobState | None:
        """The job once it is final, or as it is after `seconds` or when the gateway stops."""
        return [job async for job in self._looks(name, seconds, LOOK_S)][-1]

    async def looks(self, job: Job, seconds: float) -> AsyncIterator[Job]:
        """`job`, then its newer states from time to time, the last when it is final or after `seconds`.
        Raises JobGone."""
        yield job
        if seconds and not job.state.final:
            async for found in self._looks(job.name, seconds, FOLLOW_S):
                if not isinstance(found, Job):
                    raise JobGone(found)
                if found.created != job.created:
                    raise JobGone(None)
                yield found

    async def _looks(
        self, name: str, seconds: float, every: float
    ) -> AsyncIterator[Job | JobState | None]:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        with self._notifications.listen(name, end_only=True) as ended:
            while True:
                job = await self._store.job(name)
                yield job
                left = end - loop.time()
                over = left <= 0 or self._notifications.closed
                if over or not isinstance(job, Job) or job.state.final:
                    return
                await heard_within(ended, min(left, every))
