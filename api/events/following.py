"""What event streams read from the ledger: where one may begin, a look at a job, a chunk's results."""

import asyncio
import re

from worker.ledger.jobs import Job
from worker.ledger.journal import START, Journal, Look, order
from worker.ledger.store import JobGone, Store

from ..items import item_out
from ..problems import Problem
from ..single_flight_cache import SingleFlightCache
from . import sse
from .notifications import JobNotifications

PACE_S = 0.2
"""Seconds between two looks, so that there are at most 5 progress events a second."""

FRAMES, LARGE = 128, 256 << 10
"""Results of this many chunks, none larger than that, are cached for other readers: 32 MiB at most."""

PAGE = 100
LOOKS_AT_ONCE = 16
_ID = re.compile(r"[0-9]{1,19}-[0-9]{1,19}")


class Following:
    """The reads of one gateway's streams; streams at the same place in the same job share them."""

    def __init__(
        self, journal: Journal, store: Store, notifications: JobNotifications, ping_s: float
    ) -> None:
        self._journal, self._store = journal, store
        self.notifications, self.ping_s = notifications, ping_s
        self._looks: SingleFlightCache[tuple[Look, bytes]] = SingleFlightCache(PACE_S, 4096)
        self._frames: SingleFlightCache[bytes | None] = SingleFlightCache(5.0, FRAMES)
        self._turns = asyncio.Semaphore(LOOKS_AT_ONCE)

    async def resume(self, job: Job, last: str | None, results: bool) -> str | None:
        """The id after which a stream continues, None if its reader has received everything.

        Raises `invalid-event-id` for an event that this job never had.
        """
        newest = await self._journal.newest(job.name)
        after = _checked(last, job, newest) if last else START
        if last and job.state.final and after == newest:
            return None
        return after if results else newest or START

    async def look(self, job: Job, after: str) -> tuple[Look, bytes]:
        """A look at a job and its events after `after`, no older than the last notification; and its
        progress.

        An older job of the same id is a different one, even if somebody still follows it.
        """
        name = job.name

        async def ask() -> tuple[Look, bytes]:
            async with self._turns:
                look = await self._journal.look(name, after, PAGE)
            return look, sse.progress(look)

        return await self._looks.get((name, job.created, after, self.notifications.heard(name)), ask)

    async def result(self, job: Job, event_id: str, chunk: int) -> bytes | None:
        """The event of a chunk's results; None if the job was deleted meanwhile."""

        async def ask() -> bytes | None:
            async with self._turns:
                try:
                    items = await self._store.chunk(job, chunk)
                except JobGone:
                    return None
            return sse.result(event_id, [item_out(job, item) for item in items])

        frame = await self._frames.get((job.name, event_id), ask)
        if frame is None or len(frame) > LARGE:
            self._frames.drop((job.name, event_id))
        return frame


def _checked(last: str, job: Job, newest: str) -> str:
    """`last` if it can have been an event of this job. Raises `invalid-event-id`."""
    if not _ID.fullmatch(last):
        raise Problem("invalid-event-id", "Send the id of an event as it came, or none to get all.")
    if order(last) > order(newest or f"{job.created}-0"):
        raise Problem("invalid-event-id", "This job has no such event; send no id to get all.")
    return last
