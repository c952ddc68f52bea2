"""The ledger as the gateway sees it once a job is in: read, correct, cancel, delete.

Every read of a job's parts names when the job was created, so that another job of the same name never
passes for it, nor a job that was deleted meanwhile for one that was never read.
"""

import json
import secrets
import struct
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, NamedTuple, cast

import redis.asyncio

from . import keys
from .jobs import Job, JobState
from .packing import unpack
from .results import Result
from .scripts import source

SCRIPTS = ("ask", "cancel", "correct", "delete", "status")

TOGETHER = 1000
"""Corrections in one command; a command from Lua has at most some 8000 words."""


class Item(NamedTuple):
    """One image of a job; `result` is None until it is known, `correction` is a person's label."""

    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody needs
    name: str
    result: Result | None
    correction: str | None = None


class JobGone(Exception):
    """A job was deleted, or has expired (`left` is EXPIRED), while it was being read."""

    def __init__(self, left: JobState | None) -> None:
        super().__init__("the job expired meanwhile" if left else "the job was deleted meanwhile")
        self.left = left


class Store:
    """A gateway's jobs, over one Redis."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client = client
        self._scripts = {name: client.register_script(source(name)) for name in SCRIPTS}

    async def job(self, name: str) -> Job | JobState | None:
        """The job, `JobState.EXPIRED` if only its tombstone is left, None if there is no such job."""
        fields, before, jobs, images, (done, seconds) = await self._scripts["status"](args=[name])
        hashed = dict(zip(fields[::2], fields[1::2], strict=True))
        if not hashed:
            return None
        if hashed[b"state"] == JobState.EXPIRED.encode():
            return JobState.EXPIRED
        job = Job.from_hash(name, hashed)
        if job.state.final:
            return job
        counts = job.counts
        remaining = counts.queued + counts.running
        ahead = min(images, remaining * max(1, jobs))
        eta = round(ahead * seconds / done, 1) if done else None
        return replace(job, position=before if before >= 0 else None, eta_seconds=eta)

    async def jobs(self, owner: str, newest: str, count: int) -> list[tuple[str, str]]:
        """(name, cursor) of up to `count` jobs of an owner, newest first, below the cursor `newest`."""
        rows: Any = await self._client.zrevrangebyscore(
            keys.owner_jobs(owner), newest, "-inf", start=0, num=count, withscores=True
        )
        return [(name.decode(), f"({int(score)}") for name, score in rows]

    async def starts(self, job: Job) -> tuple[int, ...]:
        """The index of each chunk's first image, and the number of images, which never change. Raises
        JobGone."""
        (packed,) = await self._ask(job, ("GET", keys.starts(job.name)))
        if packed:
            return struct.unpack(f"<{len(packed) // 4}I", packed)
        return 0, job.counts.total

    async def items(self, job: Job, first: int, count: int) -> list[Item]:
        """Up to `count` images of a job from index `first` on, read or not. Raises JobGone."""
        return (await self.stretch(job, await self.starts(job), first, count))[:count]

    async def stretch(self, job: Job, starts: Sequence[int], first: int, count: int) -> list[Item]:
        """Up to `count` images from `first` on, and the rest of their last chunk, so that a caller who
        continues from there unpacks nothing twice; `starts` are the job's. Raises JobGone."""
        last = min(first + count, job.counts.total)
        if first >= last:
            return []
        chunks = range(_chunk_of(starts, first), _chunk_of(starts, last - 1) + 1)
        items = await self._read(job, [(c, starts[c], starts[c + 1]) for c in chunks])
        return items[first - starts[chunks[0]] :]

    async def chunk(self, job: Job, chunk: int) -> list[Item]:
        """The images of a chunk, read or not. Raises JobGone."""
        place = str(4 * chunk), str(4 * chunk + 7)
        (packed,) = await self._ask(job, ("GETRANGE", keys.starts(job.name), *place))
        first, after = struct.unpack("<2I", packed) if packed else (0, job.counts.total)
        return await self._read(job, [(chunk, first, after)])

    async def _read(self, job: Job, chunks: Sequence[tuple[int, int, int]]) -> list[Item]:
        """The images of consecutive chunks, each given by its number, first index and the one after its
        last."""
        name = job.name
        packed, named, corrected = await self._ask(
            job,
            ("HMGET", keys.results(name), *(str(chunk) for chunk, _, _ in chunks)),
            ("MGET", *(keys.chunk_names(name, chunk) for chunk, _, _ in chunks)),
            ("HLEN", keys.corrections(name)),
        )
        items: list[Item] = []
        for (_, first, after), results, names in zip(chunks, packed, named, strict=True):
            items += _items(first, after, results, names)
        if not corrected:  # asking for each would cost as much as all the rest
            return items
        return _corrected(items, await self._labels(job, range(chunks[0][1], chunks[-1][2])))

    async def _labels(self, job: Job, indices: range) -> list[bytes | None]:
        """A person's label of each of these images."""
        parts = [indices[at : at + TOGETHER] for at in range(0, len(indices), TOGETHER)]
        asked = (("HMGET", keys.corrections(job.name), *map(str, part)) for part in parts)
        return list(chain.from_iterable(await self._ask(job, *asked)))

    async def _ask(self, job: Job, *commands: tuple[str, ...]) -> Sequence[Any]:
        """The answers to commands about a job, all of the same moment. Raises JobGone."""
        args = [job.name, str(job.created)]
        for command in commands:
            args += [str(len(command)), *command]
        answers: Sequence[Any] | None = await self._scripts["ask"](args=args)
        if answers is None:
            raise await self._gone(job.name)
        return answers

    async def _gone(self, name: str) -> JobGone:
        left = await self.job(name)
        return JobGone(left if isinstance(left, JobState) else None)

    async def corrected(self, name: str) -> int:
        """How many of a job's images a person has labelled."""
        return await self._client.hlen(keys.corrections(name))

    async def correct(
        self, job: Job, labels: Mapping[int, str | None], *, overwrite: bool = True
    ) -> dict[int, str] | None:
        """Store a person's labels of images by index; None takes one back.

        Without `overwrite`, images that have another label keep it, and these labels are returned.
        Returns None if an image is not read yet; then nothing is stored. Raises JobGone.
        """
        starts = await self.starts(job)
        args = [job.name, str(job.created), str(int(not overwrite))]
        for index, label in labels.items():
            args += [str(index), str(_chunk_of(starts, index)), label or ""]
        answer: bytes | list[bytes] = await self._scripts["correct"](args=args)
        if isinstance(answer, list):
            pairs = zip(answer[::2], answer[1::2], strict=True)
            return {int(index): label.decode() for index, label in pairs}
        if answer == b"missing":
            raise await self._gone(job.name)
        return None

    async def payload(self, job: Job, index: int) -> tuple[bytes | None, int]:
        """The packed chunk that holds image `index` (None: no longer kept), and its place there.
        Raises JobGone."""
        starts = await self.starts(job)
        chunk = _chunk_of(starts, index)
        return await self.packed(job, chunk), index - starts[chunk]

    async def packed(self, job: Job, chunk: int) -> bytes | None:
        """The packed images of a chunk; None: no longer kept. Raises JobGone."""
        (packed,) = await self._ask(job, ("GET", keys.chunk_input(job.name, chunk)))
        return cast("bytes | None", packed)

    async def cancel(self, name: str) -> str:
        """Stop a job; return the state it is in afterwards, or 'missing'."""
        answer: bytes = await self._scripts["cancel"](args=[name])
        return answer.decode()

    async def delete(self, name: str) -> str:
        """Delete a finished job; return 'deleted', 'missing', or the state that forbids it."""
        answer: bytes = await self._scripts["delete"](args=[name, secrets.token_hex(8)])
        return answer.decode()


def _chunk_of(starts: Sequence[int], index: int) -> int:
    """The chunk that holds image `index`."""
    return bisect_right(starts, index) - 1


def _corrected(items: Sequence[Item], labels: Sequence[bytes | None]) -> list[Item]:
    """The items, with a person's labels."""
    return [
        item._replace(correction=label.decode()) if label else item
        for item, label in zip(items, labels, strict=True)
    ]


def _items(first: int, after: int, packed: bytes | None, named: bytes | None) -> list[Item]:
    results: Sequence[Result | None] = unpack(packed) if packed else [None] * (after - first)
    names = json.loads(named) if named else [str(index) for index in range(first, after)]
    return [
        Item(first + place, name, result)
        for place, (name, result) in enumerate(zip(names, results, strict=True))
    ]
