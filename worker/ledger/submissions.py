"""How a job enters the ledger: large jobs stage their chunks first, then one script makes them a job."""

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import Any

import orjson
import redis.asyncio

from . import keys
from .admission import Limits, Verdict
from .chunks import Chunk
from .doorbell import message
from .jobs import Lane, Options
from .scripts import source

STAGED_S = 900
"""Seconds after which staged chunks expire, in case the gateway that staged them died."""

LOCK_S = 5
"""A request that died with its gateway, or lost Redis half-way, blocks its key no longer than this,
unless Redis's clock was set back: keys expire by it."""


@dataclass(frozen=True)
class Submission:
    """Everything about a job that is to be submitted, except its images."""

    owner: str
    id: str
    lane: Lane
    options: Options
    labels: str
    weights: str
    metadata: Mapping[str, str]
    ttl_s: int
    fingerprint: str
    parent: str = ""
    idempotency: str | None = None
    callback_url: str = ""
    quiet: bool = False  # only its callback_url is told of its end

    @property
    def name(self) -> str:
        """The job's internal name."""
        return keys.job_name(self.owner, self.id)


class Submissions:
    """Stages and submits jobs, and locks their keys, over one Redis."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client = client
        self._submit = client.register_script(source("submit"))
        self._stage = client.register_script(source("stage"))
        self._lock = client.register_script(source("lock"))
        self._unlock = client.register_script(source("unlock"))

    async def stage(
        self,
        token: str,
        known_by: Sequence[str],
        first: int,
        chunks: Sequence[Chunk],
        images: int,
        size: int,
        weight: int,
        limits: Limits,
    ) -> Verdict:
        """Store chunks of a job before it is submitted, all or none; `first` is the number of the first.

        With them, the job has `images` images, of this `weight`, and `size` bytes so far; if one of the
        keys `known_by` exists, it was taken before. Answers `staged`, or why there is no room.
        """
        args: list[Any] = [token, STAGED_S, limits.owner, images, size, weight]
        args += [limits.max_queued, limits.max_owner, limits.memory, limits.mark]
        for number, chunk in enumerate(chunks, first):
            args += [number, chunk.payload, chunk.names_json]
        return _verdict(await self._stage(keys=known_by, args=args))

    async def knows(self, known_by: Sequence[str]) -> bool:
        """Whether a job was taken before: one of these keys exists."""
        return bool(await self._client.exists(*known_by))

    async def unstage(self, token: str, count: int) -> None:
        """Delete what was staged for a job that will not be submitted."""
        async with self._client.pipeline(transaction=False) as pipe:
            for number in range(count):
                pipe.unlink(keys.staged_input(token, number), keys.staged_names(token, number))
            await pipe.execute()

    async def submit(self, job: Submission, token: str, sizes: Sequence[int], limits: Limits) -> Verdict:
        """Make what was staged under `token` a job; `sizes` are the numbers of images of its chunks."""
        return await self._make(_wanted(job, limits) | {"stage": token}, job, sizes, ())

    async def enter(self, job: Submission, chunks: Sequence[Chunk], limits: Limits) -> Verdict:
        """Make a job of `chunks` that were not staged, in one call: for small jobs."""
        parts = [part for chunk in chunks for part in (chunk.payload, chunk.names_json)]
        return await self._make(_wanted(job, limits), job, [chunk.count for chunk in chunks], parts)

    async def _make(
        self, want: dict[str, Any], job: Submission, sizes: Sequence[int], parts: Sequence[bytes]
    ) -> Verdict:
        starts = [0, *accumulate(sizes)]
        packed = struct.pack(f"<{len(starts)}I", *starts)
        sized = {"total": starts[-1], "chunks": len(sizes)}
        whole = orjson.dumps(want | sized | {"fields": _fields(job, sized)})
        args = [whole, packed, message(job.options.model), *parts]
        (answer,) = await self._submit(args=[len(args), *args])
        return _verdict(answer)

    async def lock(self, owner: str, digest: str, request: str) -> bool:
        """Lock the key for this request for LOCK_S, or prolong its lock; False: another one has it."""
        return bool(await self._lock(args=[keys.lock(owner, digest), request, LOCK_S]))

    async def unlock(self, owner: str, digest: str, request: str) -> None:
        """Release this request's lock of the key; leave that of another request alone."""
        await self._unlock(args=[keys.lock(owner, digest), request])


def _verdict(answer: Sequence[Any]) -> Verdict:
    kind, *rest = answer
    if rest and isinstance(rest[0], int):
        return Verdict(kind.decode(), figure=rest[0])
    return Verdict(kind.decode(), rest[0].decode() if rest else "")


def _wanted(job: Submission, limits: Limits) -> dict[str, Any]:
    """What submit.lua reads of a job, wherever its chunks are."""
    want = {
        "name": job.name,
        "owner": job.owner,
        "model": job.options.model,
        "lane": job.lane,
        "weight": job.options.weight,
        "callback": job.callback_url,
        "ttl_ms": job.ttl_s * 1000,
        "fingerprint": job.fingerprint,
        "max_queued": limits.max_queued,
        "max_owner": limits.max_owner,
        "max_open": limits.max_open,
        "window": limits.window,
        "memory": limits.memory,
        "mark": limits.mark,
        "server": limits.server,
    }
    return want | ({"idempotency": job.idempotency} if job.idempotency else {})


def _fields(job: Submission, sized: Mapping[str, int]) -> list[str]:
    """The fields of a job's hash that never change: field and value, pair by pair, without defaults."""
    options = job.options
    fields = {
        **{name: str(number) for name, number in sized.items()},
        "owner": job.owner,
        "model": options.model,
        "lane": job.lane,
        "options": options.to_json(),
        "weight": str(options.weight) if options.weight > 1 else "",
        "keep": "1" if options.keep_images else "",
        "metadata": json.dumps(dict(job.metadata)) if job.metadata else "",
        "labels": job.labels,
        "weights": job.weights,
        "parent": job.parent,
        "callback": job.callback_url,
        "quiet": "1" if job.quiet else "",
        "fingerprint": job.fingerprint,
    }
    kept = {name: value for name, value in fields.items() if value}
    return list(chain.from_iterable(kept.items()))
