"""Images on their way in: cut into chunks and, if they are many, written to Redis, but of no job yet."""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import redis
from anyio.to_thread import run_sync

from worker.admission import Room, Verdict
from worker.chunks import Chunk
from worker.entrance import IN_FLIGHT_S, Entrance

from .intake.cutter import Cutter
from .intake.sources import Part
from .problems import Problem
from .settings import GatewaySettings

STAGE_BYTES = 1 << 20


@dataclass
class Staged:
    """Images that are stored, or carried along, but belong to no job yet."""

    token: str
    cutter: Cutter
    carried: list[Chunk] = field(default_factory=list)
    """All of a small job: they are stored by the call that makes it one."""
    taken: bool = False

    def fingerprint(self, options: str) -> str:
        """The same for the same images under the same options."""
        whole = self.cutter.fingerprint.copy()
        whole.update(options.encode())
        return whole.hexdigest()

    def require_count(self, single: bool) -> None:
        """Raises `no-images`, or `single-image-expected`."""
        if not self.cutter.images:
            raise Problem("no-images", "There is no image in the request.")
        if single and self.cutter.images != 1:
            detail = f"{self.cutter.images} images were sent; use /v1/jobs."
            raise Problem("single-image-expected", detail)


class NoRoom(Exception):
    """The ledger does not take so much; `verdict` says why."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.kind)
        self.verdict = verdict


@asynccontextmanager
async def staged(
    entrance: Entrance,
    parts: Iterable[Part],
    settings: GatewaySettings,
    room: Room,
    weight: int = 1,
    forget: Callable[[], None] = lambda: None,
    light: bool = False,
) -> AsyncIterator[Staged]:
    """Images cut and stored as far as there is `room`; taken back on exit unless they became a job.

    Few bytes are not stored but carried. `forget` is called when what was looked at so far is needed no
    more; what is `light` is cut without a turn in a thread. Raises NoRoom.
    """
    images = Staged(secrets.token_hex(16), Cutter(settings, weight))
    chunks, first, last = images.cutter.cut(parts), 0, False
    try:
        while not last:
            group, last = _take(chunks) if light else await run_sync(_take, chunks)
            if last and not first:
                images.carried = group
                break
            if not group:
                break
            number, first = first, first + len(group)  # taken back, even if nobody hears of it
            verdict = await entrance.stage(images.token, number, group, room)
            if verdict.kind != "staged":
                raise NoRoom(verdict)
            room = room.after(group)
            group.clear()  # before the next is made
            forget()
        yield images
    finally:
        if not images.taken:
            with suppress(redis.RedisError):  # else it is gone by itself, before long
                await entrance.unstage(images.token, first)


@asynccontextmanager
async def in_flight(entrance: Entrance, owner: str, digest: str | None) -> AsyncIterator[None]:
    """Only one request at a time under the same key or id. Raises `request-in-progress`."""
    if digest is None:
        yield
        return
    request = secrets.token_hex(16)
    if not await entrance.take_off(owner, digest, request):
        raise Problem("request-in-progress", "Wait for its answer.", retry_after=1)
    flying = asyncio.create_task(_fly(entrance, owner, digest, request))
    try:
        yield
    finally:
        flying.cancel()
        with suppress(redis.RedisError):  # else it is over soon all the same
            await entrance.land(owner, digest, request)


async def _fly(entrance: Entrance, owner: str, digest: str, request: str) -> None:
    """However long an upload takes, it stays the one that is under way."""
    while True:
        await asyncio.sleep(IN_FLIGHT_S / 3)
        with suppress(redis.RedisError):
            await entrance.take_off(owner, digest, request)


def _take(chunks: Iterator[Chunk]) -> tuple[list[Chunk], bool]:
    """The next chunks, about STAGE_BYTES together, and whether they are the last: one larger write would
    hold up all others' syncs."""
    group, size = [], 0
    for chunk in chunks:
        group.append(chunk)
        size += len(chunk.payload)
        if size >= STAGE_BYTES:
            return group, False
    return group, True


def idempotency_digest(key: str | None) -> str | None:
    """What an Idempotency-Key is stored as. Raises `malformed-request`."""
    if key is None:
        return None
    if not (0 < len(key) <= 255 and key.isprintable()):
        raise Problem("malformed-request", "An Idempotency-Key has 1 to 255 printable characters.")
    return hashlib.sha256(key.encode()).hexdigest()
