"""Waiting for a job to end: a notice wakes, and in between the job itself is read."""

import asyncio
from collections.abc import AsyncIterator

from worker.jobs import Job, JobState
from worker.store import JobGone, Store

from .notices import Listener, Notices, heard_within

LOOK_S = 1.0
"""A notice may be missed while the link to Redis is down, so the job itself is read this often."""

FOLLOW_S = 0.1
"""How often somebody who reads along is sent what has become known meanwhile."""


class Waiting:
    """Answers requests when the jobs they wait for end."""

    def __init__(self, store: Store, notices: Notices) -> None:
        self._store, self._notices = store, notices

    def expecting(self, name: str) -> Listener:
        """As a context, gives the event by which `results` waits for a job of one image, which is about
        to be submitted."""
        return self._notices.of(name, end_only=True)

    async def results(self, name: str, ended: asyncio.Event, seconds: float) -> bytes:
        """Its packed results within so many seconds: none if no notice brings them, so that the job
        must be looked at."""
        if not (ended.is_set() or self._notices.closed):
            await heard_within(ended, min(seconds, LOOK_S))
        return self._notices.said(name)

    async def until_final(self, name: str, seconds: float) -> Job | JobState | None:
        """The job once it is final, or as it is after `seconds` or when the gateway stops."""
        return [job async for job in self._looks(name, seconds, LOOK_S)][-1]

    async def looks(self, job: Job, seconds: float) -> AsyncIterator[Job]:
        """`job`, and as it is from time to time; at last once it is final, or after `seconds`. Raises
        JobGone."""
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
        with self._notices.of(name, end_only=True) as ended:
            while True:
                job = await self._store.job(name)
                yield job
                left = end - loop.time()
                if not isinstance(job, Job) or job.state.final or left <= 0 or self._notices.closed:
                    return
                await heard_within(ended, min(left, every))
