"""Those who wait for a job to end: woken by a notice, with a look at the truth in between."""

import asyncio

from worker.jobs import Job, JobState
from worker.store import Store

from .notices import Notices, heard_within

LOOK_S = 1.0
"""A notice may be missed while the link to Redis is down, so the job itself is read this often."""


class Waiting:
    """Answers requests when the jobs they wait for end."""

    def __init__(self, store: Store, notices: Notices) -> None:
        self._store, self._notices = store, notices

    async def until_final(self, name: str, seconds: float) -> Job | JobState | None:
        """The job once it is final, or as it is after `seconds` or when the gateway stops."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        with self._notices.of(name, end_only=True) as ended:
            while True:
                job = await self._store.job(name)
                left = end - loop.time()
                if not isinstance(job, Job) or job.state.final or left <= 0 or self._notices.closed:
                    return job
                await heard_within(ended, min(left, LOOK_S))
