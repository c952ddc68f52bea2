"""A job's events for those who follow it: what a stream says, and when.

Nothing is held for a reader: a stream writes only when its connection takes more (backpressure), looks
at the ledger again then, and goes on behind the last event it wrote.
"""

import asyncio
import re
from collections.abc import AsyncIterator

import redis

from worker.jobs import Job
from worker.journal import START, Journal, Look, order
from worker.store import Store

from . import announcements
from .dependencies import absence
from .notices import Notices, heard_within
from .problems import Problem
from .schemas import item_out
from .sharing import Shared

PACE_S = 0.2
"""Between two looks, so that there are at most 5 progress events a second."""

LOOK_S = 2.0
"""A notice may be lost, and a place in the line changes without any: look this often."""

PAGE = 100
LOOKS_AT_ONCE = 16
_ID = re.compile(r"\d{1,19}-\d{1,19}")


class Following:
    """What the streams of one gateway read; those at the same place in the same job read it together."""

    def __init__(self, journal: Journal, store: Store, notices: Notices, ping_s: float) -> None:
        self._journal, self._store = journal, store
        self.notices, self.ping_s = notices, ping_s
        self._looks: Shared[Look] = Shared(PACE_S, 4096)
        self._frames: Shared[bytes | None] = Shared(5.0, 64)
        self._turns = asyncio.Semaphore(LOOKS_AT_ONCE)

    async def resume(self, job: Job, last: str | None, results: bool) -> str | None:
        """The id after which a stream goes on, None if its reader has heard everything.

        Raises `invalid-event-id` for what this job never said.
        """
        look = await self._journal.look(job.name, START, 1)
        after = _checked(last, job, look.newest) if last else START
        if last and job.state.final and after == look.newest:
            return None
        return after if results else look.newest or START

    async def look(self, name: str, after: str) -> Look:
        """A job and what happened after an event, not older than the last notice."""

        async def ask() -> Look:
            async with self._turns:
                return await self._journal.look(name, after, PAGE)

        return await self._looks.get((name, after, self.notices.heard(name)), ask)

    async def result(self, job: Job, event_id: str, chunk: int) -> bytes | None:
        """The event of a chunk; None if the job was deleted meanwhile."""

        async def ask() -> bytes | None:
            async with self._turns:
                items = await self._store.chunk(job.name, chunk)
            if not items:
                return None
            return announcements.result(event_id, [item_out(job, item) for item in items])

        return await self._frames.get((job.name, event_id), ask)


class Stream:
    """One reader's way through a job's events, behind `after`; without `results` if so asked."""

    def __init__(self, following: Following, job: Job, after: str, results: bool) -> None:
        self._following, self._job, self._after, self._results = following, job, after, results
        self._clock = asyncio.get_running_loop().time
        self._looked = self._written = self._progressed = 0.0
        self._progress = b""
        self._over = False

    async def frames(self) -> AsyncIterator[bytes]:
        """The bytes to send, each as soon as the reader took those before."""
        yield announcements.opening()
        notices = self._following.notices
        with notices.of(self._job.name) as news:
            while not notices.closed:
                more = False
                try:
                    self._looked = self._clock()
                    look = await self._following.look(self._job.name, self._after)
                    more = len(look.events) == PAGE
                    async for frame in self._told(look):
                        yield frame
                        self._written = self._clock()
                except redis.RedisError:
                    pass  # the log has it from the notices; the stream stays and tries again
                if self._over:
                    return
                if self._clock() - self._written >= self._following.ping_s:
                    yield announcements.PING
                    self._written = self._clock()
                if not more:
                    await self._rest(news)

    async def _told(self, look: Look) -> AsyncIterator[bytes]:
        """What is new in a look; moves on behind every event that was written."""
        if not isinstance(look.job, Job) or look.job.created != self._job.created:
            yield self._gone(look)
            return
        if frame := self._changed(look, look.job):
            yield frame
        for event in look.events:
            if self._results and event.chunk is not None:
                frame = await self._following.result(look.job, event.id, event.chunk)
                if frame is None:
                    return
                yield frame
            self._after = event.id
        if look.job.state.final and len(look.events) < PAGE:
            self._over = True
            yield announcements.completed(look.newest, look.job)

    def _changed(self, look: Look, job: Job) -> bytes | None:
        """A progress event, if there is something to tell and the last one is old enough."""
        frame = announcements.progress(look, job)
        if frame == self._progress or self._clock() - self._progressed < PACE_S:
            return None
        self._progress, self._progressed = frame, self._clock()
        return frame

    def _gone(self, look: Look) -> bytes:
        self._over = True
        left = None if isinstance(look.job, Job) else look.job
        return announcements.gone(absence(left), f"/v1/jobs/{self._job.id}/events")

    async def _rest(self, news: asyncio.Event) -> None:
        """Until there is news, or it is time to look or to ping."""
        early = max(self._looked, self._progressed) + PACE_S - self._clock()
        await asyncio.sleep(max(0.0, early))
        ping = self._written + self._following.ping_s - self._clock()
        await heard_within(news, max(0.0, min(LOOK_S, ping)))


def _checked(last: str, job: Job, newest: str) -> str:
    """`last` if it can have been an event of this job. Raises `invalid-event-id`."""
    if not _ID.fullmatch(last):
        raise Problem("invalid-event-id", "Send the id of an event as it came, or none to hear all.")
    if order(last) > order(newest or f"{job.created}-0"):
        raise Problem("invalid-event-id", "This job has no such event; send no id to hear all.")
    return last
