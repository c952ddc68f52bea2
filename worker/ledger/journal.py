"""What happened to a job, as the gateway reads it for its followers: the job's stream of events.

commit.lua notes every chunk as it commits it, and save_or_close (ending.lua) the end, in the same step;
for a job of one chunk follow.lua does both when somebody asks, since most of them are never followed.
"""

from dataclasses import dataclass
from typing import Any

import redis.asyncio

from .jobs import Job, JobState
from .scripts import source
from .store import Store

START = "0-0"
"""The id before every event."""

SHORTEST_MS = 200
"""A rate is never taken over less time, lest the first chunk make it look too high."""


@dataclass(frozen=True)
class Event:
    """A chunk that was committed, or (None) the end of the job."""

    id: str
    chunk: int | None


@dataclass(frozen=True)
class Look:
    """A job now, the newest event there is ('' for none), and the first events after a known one."""

    job: Job | JobState | None
    newest: str
    images_per_second: float | None
    events: tuple[Event, ...]


class Journal:
    """The events of jobs, over one Redis."""

    def __init__(self, client: redis.asyncio.Redis, store: Store) -> None:
        self._store = store
        self._follow = client.register_script(source("follow"))

    async def newest(self, name: str) -> str:
        """The id of the newest event, '' for none."""
        newest, *_ = await self._follow(args=[name, START, 1])
        return str(newest.decode())

    async def look(self, name: str, after: str, most: int) -> Look:
        """The job and up to `most` events after the one with the id `after`.

        The job is read first, so if it is final, there are no events but those found.
        """
        job = await self._store.job(name)
        newest, (images, ms), entries = await self._follow(args=[name, after, most])
        rate = round(images * 1000 / max(ms, SHORTEST_MS), 1) if images else None
        return Look(job, newest.decode(), rate, tuple(_event(*entry) for entry in entries))


def order(event_id: str) -> tuple[int, int]:
    """What events are sorted by: their time and their number within it."""
    ms, _, number = event_id.partition("-")
    return int(ms), int(number)


def _event(event_id: bytes, fields: list[bytes]) -> Event:
    get: dict[bytes, Any] = dict(zip(fields[::2], fields[1::2], strict=True))
    return Event(event_id.decode(), int(get[b"c"]) if b"c" in get else None)
