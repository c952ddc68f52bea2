"""Incoming images: cut into chunks and, if many, staged in Redis, but not part of a job yet."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self, TypeAlias

import redis
from anyio.to_thread import run_sync

from worker.ledger.admission import Limits, Verdict
from worker.ledger.chunks import Chunk, ImageFile
from worker.ledger.submissions import Submission, Submissions

from .intake.cutter import Cutter
from .intake.sources import Part
from .problems import Problem

STAGE_BYTES, STAGE_CHUNKS = 1 << 20, 500
"""A group of chunks that is stored by one call is full with either."""

AHEAD_BYTES, MOST_AHEAD = 2 * STAGE_BYTES, 2
"""The next group is cut while one is stored, unless the latter is larger than this (one large chunk), or
this many are being cut ahead already: so many uploads keep the cores busy anyway."""

Group: TypeAlias = tuple[list[Chunk], bool]
"""Chunks that are stored together, and whether they are the last."""

_ahead: set["asyncio.Task[Group]"] = set()
"""The groups being cut ahead at this gateway."""


@dataclass
class Staged:
    """Images that are staged in Redis, or carried in memory, but belong to no job yet; on exit, staged
    ones are removed unless a job has `taken` them."""

    submissions: Submissions
    cutter: Cutter
    known_by: Sequence[str]
    """Keys of which one exists if the job of these images was taken before."""
    carried: list[Chunk] = field(default_factory=list)
    """All chunks of a small job, which are stored by the call that makes it a job."""
    stored: int = 0
    images: int = 0
    size: int = 0
    """`stored` chunks are staged so far, which have `images` images and `size` bytes."""
    taken: bool = False

    @cached_property
    def token(self) -> str:
        """The name under which they are staged."""
        return secrets.token_hex(16)

    async def take_in(
        self,
        parts: Iterable[Part],
        limits: Limits,
        forget: Callable[[], None],
    ) -> Verdict | None:
        """Cut images and stage them, or carry those of a small job; return why, if there is no room.

        `forget` is called when the input read so far is no longer needed.
        """
        async with aclosing(_groups(self.cutter.cut(parts))) as groups:
            async for group, last in groups:
                if last and not self.stored:
                    self.carried = group
                elif group:
                    verdict = await self._store(group, limits)
                    if verdict.kind != "staged":
                        return verdict
                    group.clear()  # frees its memory before more is cut
                    forget()
        return None

    def carry(self, file: ImageFile) -> None:
        """Carry a job of one small image: to cut it takes less time than to wait for a thread."""
        self.carried = [self.cutter.alone(file)]

    async def _store(self, group: list[Chunk], limits: Limits) -> Verdict:
        first, self.stored = self.stored, self.stored + len(group)  # even if the answer is lost
        self.images += sum(chunk.count for chunk in group)
        self.size += sum(len(chunk.payload) + len(chunk.names_json) for chunk in group)
        sized = self.images, self.size, self.cutter.weight
        return await self.submissions.stage(self.token, self.known_by, first, group, *sized, limits)

    def fingerprint(self, options: bytes) -> str:
        """A digest, in hexadecimal, of all images and of the `options` to read them by."""
        whole = self.cutter.fingerprint.copy()
        whole.update(options)
        return whole.hexdigest()

    async def submit(self, job: Submission, limits: Limits) -> Verdict:
        """Make them `job`, or find the existing one; carried images take one call."""
        verdict = (
            await self.submissions.enter(job, self.carried, limits)
            if self.carried
            else await self.submissions.submit(job, self.token, self.cutter.sizes, limits)
        )
        self.taken = verdict.kind == "new"
        return verdict

    def require_count(self, single: bool) -> None:
        """Raise `no-images`; or `single-image-expected`, if `single` and there are several."""
        if not self.cutter.images:
            raise Problem("no-images", "Send at least one image.")
        if single and self.cutter.images != 1:
            detail = f"{self.cutter.images} images were sent; use /v1/jobs."
            raise Problem("single-image-expected", detail)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.stored and not self.taken:
            with suppress(redis.RedisError):  # otherwise they expire before long
                await self.submissions.unstage(self.token, self.stored)


async def _groups(chunks: Iterator[Chunk]) -> AsyncGenerator[Group, None]:
    """All of `chunks` in groups; the next is cut while one is stored, if that takes little memory."""
    group, last = await run_sync(_take, chunks)
    while not last:
        small = sum(len(chunk.payload) for chunk in group) <= AHEAD_BYTES
        if small and len(_ahead) < MOST_AHEAD:
            _ahead.add(ahead := asyncio.create_task(run_sync(_take, chunks)))
            try:
                yield group, False
            finally:
                _ahead.discard(ahead)
                await asyncio.gather(ahead, return_exceptions=True)  # it reads from what is closed next
            group, last = ahead.result()
        else:
            yield group, False
            group, last = await run_sync(_take, chunks)
    yield group, True


def _take(chunks: Iterator[Chunk]) -> Group:
    """The next chunks, about STAGE_BYTES or STAGE_CHUNKS, and whether they are the last. A larger write
    would delay the syncs of all others, and more chunks their commands."""
    group, size = [], 0
    for chunk in chunks:
        group.append(chunk)
        size += len(chunk.payload)
        if size >= STAGE_BYTES or len(group) == STAGE_CHUNKS:
            return group, False
    return group, True
