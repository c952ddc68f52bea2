"""One reader's stream of a job's events: what is sent, and when.

Nothing is buffered for a reader: a stream writes only when its connection takes more (back-pressure),
then looks at the ledger again and continues after the last event it wrote.
"""

import asyncio
from collections.abc import AsyncIterator

import redis

from worker.ledger.jobs import Job
from worker.ledger.journal import Look

from ..missing_jobs import absence
from . import sse
from .following import PACE_S, PAGE, Following
from .notifications import heard_within

LOOK_S = 2.0
"""A notification may be lost, and a position in the queue changes without any: look this often."""


class Stream:
    """One reader's place in a job's events, which is at first after `after`; with `results` or not."""

    def __init__(self, following: Following, job: Job, after: str, results: bool) -> None:
        self._following, self._job, self._after, self._results = following, job, after, results
        self._clock = asyncio.get_running_loop().time
        self._looked = self._written = self._progressed = 0.0
        self._progress = b""
        self._over = False

    async def frames(self) -> AsyncIterator[bytes]:
        """The bytes to send, each frame as soon as the reader took those before it."""
        yield sse.OPENING
        notifications = self._following.notifications
        with notifications.listen(self._job.name) as changed:
            while not notifications.closed:
                more = False
                try:
                    self._looked = self._clock()
                    look, progress = await self._following.look(self._job, self._after)
                    async for frame in self._new_frames(look, progress):
                        yield frame
                        self._written = self._clock()
                    more = len(look.events) == PAGE and self._after == look.events[-1].id
                except (redis.RedisError, OSError):
                    pass  # notifications log it; the stream stays open and tries again
                if self._over:
                    return
                if self._clock() - self._written >= self._following.ping_s:
                    yield sse.PING
                    self._written = self._clock()
                if not more:
                    await self._rest(changed)

    async def _new_frames(self, look: Look, progress: bytes) -> AsyncIterator[bytes]:
        """The frames for what is new in a look; moves on past every event that was written."""
        if not isinstance(look.job, Job) or look.job.created != self._job.created:
            yield self._gone(look)
            return
        if progress != self._progress and self._clock() - self._progressed >= PACE_S:
            self._progress, self._progressed = progress, self._clock()
            yield progress
        for event in look.events:
            if self._results and event.chunk is not None:
                frame = await self._following.result(look.job, event.id, event.chunk)
                if frame is None:
                    return
                yield frame
            self._after = event.id
        if look.job.state.final and len(look.events) < PAGE:
            self._over = True
            yield sse.completed(look.newest, look.job)

    def _gone(self, look: Look) -> bytes:
        self._over = True
        left = None if isinstance(look.job, Job) else look.job
        return sse.gone(absence(left), f"/v1/jobs/{self._job.id}/events")

    async def _rest(self, changed: asyncio.Event) -> None:
        """Wait until there is news, or it is time to look or to ping."""
        early = max(self._looked, self._progressed) + PACE_S - self._clock()
        await asyncio.sleep(max(0.0, early))
        ping = self._written + self._following.ping_s - self._clock()
        await heard_within(changed, max(0.0, min(LOOK_S, ping)))
