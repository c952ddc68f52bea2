"""Images on their way in: cut into chunks and, if many, written to Redis, but not part of a job yet."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self, TypeAlias

import redis
from anyio.to_thread import run_sync

from worker.admission import Caps, Room, Verdict
from worker.chunks import Chunk, ImageFile
from worker.entrance import Entrance, Submission

from .intake.cutter import Cutter
from .intake.sources import Part
from .problems import Problem

STAGE_BYTES = 1 << 20

AHEAD_BYTES, MOST_AHEAD = 2 * STAGE_BYTES, 2
"""A larger group, of one large chunk, is held alone; and where more uploads are under way than that, no
core is idle while they are stored."""

Group: TypeAlias = tuple[list[Chunk], bool]
"""Chunks that are stored together, and whether they are the last."""

_ahead: set["asyncio.Task[Group]"] = set()
"""What is cut ahead at this gateway."""


class NoRoom(Exception):
    """The ledger has no room for this much; `verdict` says why."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.kind)
        self.verdict = verdict


@dataclass
class Staged:
    """Images that are stored, or carried along, but belong to no job yet: on exit they are taken back
    unless they were `taken`."""

    entrance: Entrance
    cutter: Cutter
    carried: list[Chunk] = field(default_factory=list)
    """All of a small job: they are stored by the call that makes it one."""
    stored: int = 0
    taken: bool = False

    @cached_property
    def token(self) -> str:
        """The name under which they are staged."""
        return secrets.token_hex(16)

    async def take_in(
        self,
        parts: Iterable[Part],
        room: Room,
        forget: Callable[[], None] = lambda: None,
    ) -> None:
        """Cut images and store them as far as there is `room`; few bytes are not stored but carried.

        `forget` is called when what was looked at so far is needed no more. Raises NoRoom.
        """
        async with aclosing(_groups(self.cutter.cut(parts))) as groups:
            async for group, last in groups:
                if last and not self.stored:
                    self.carried = group
                elif group:
                    room = await self._store(group, room)
                    group.clear()  # before more is made
                    forget()

    def carry(self, file: ImageFile) -> None:
        """Take in one small image that is all of the job: cut sooner than a thread gets its turn."""
        self.carried = [self.cutter.alone(file)]

    async def _store(self, group: list[Chunk], room: Room) -> Room:
        first, self.stored = self.stored, self.stored + len(group)  # even if the answer is lost
        verdict = await self.entrance.stage(self.token, first, group, room)
        if verdict.kind != "staged":
            raise NoRoom(verdict)
        return room.after(group)

    def fingerprint(self, options: bytes) -> str:
        """A digest, in hexadecimal, of all the images and of the `options` they are read by."""
        whole = self.cutter.fingerprint.copy()
        whole.update(options)
        return whole.hexdigest()

    async def submit(self, job: Submission, caps: Caps, room: Room) -> Verdict:
        """Make `job` of them, or find the one that stands: by one call if they are carried."""
        verdict = (
            await self.entrance.enter(job, self.carried, caps, room)
            if self.carried
            else await self.entrance.submit(job, self.token, self.cutter.sizes, caps)
        )
        self.taken = verdict.kind == "new"
        return verdict

    def require_count(self, single: bool) -> None:
        """Raises `no-images`, or `single-image-expected`."""
        if not self.cutter.images:
            raise Problem("no-images", "Send at least one image.")
        if single and self.cutter.images != 1:
            detail = f"{self.cutter.images} images were sent; use /v1/jobs."
            raise Problem("single-image-expected", detail)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.stored and not self.taken:
            with suppress(redis.RedisError):  # else it expires before long
                await self.entrance.unstage(self.token, self.stored)


async def _groups(chunks: Iterator[Chunk]) -> AsyncGenerator[Group, None]:
    """All of `chunks`: while a group is stored the next is cut, where that holds little more."""
    group, last = await run_sync(_take, chunks)
    while not last:
        small = sum(len(chunk.payload) for chunk in group) <= AHEAD_BYTES
        if small and len(_ahead) < MOST_AHEAD:
            _ahead.add(ahead := asyncio.create_task(run_sync(_take, chunks)))
            try:
                yield group, False
            finally:
                _ahead.discard(ahead)
                await asyncio.gather(ahead, return_exceptions=True)  # it reads what is closed then
            group, last = ahead.result()
        else:
            yield group, False
            group, last = await run_sync(_take, chunks)
    yield group, True


def _take(chunks: Iterator[Chunk]) -> Group:
    """The next chunks, about STAGE_BYTES together, and whether they are the last: one larger write would
    hold up all others' syncs."""
    group, size = [], 0
    for chunk in chunks:
        group.append(chunk)
        size += len(chunk.payload)
        if size >= STAGE_BYTES:
            return group, False
    return group, True
