"""The ledger as the gateway sees it: stage, submit, read, cancel, delete. Every call is asynchronous."""

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any, Literal

import redis.asyncio

from . import keys
from .chunks import Chunk
from .doorbell import message
from .jobs import Job, JobState, Lane, Options
from .results import Result, unpack
from .scripts import source

STAGED_S = 900
"""What was staged by a gateway that died is gone after this many seconds."""

SCRIPTS = ("submit", "cancel", "delete", "status")


@dataclass(frozen=True)
class Submission:
    """A job that is about to be: everything of it but the images."""

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

    @property
    def name(self) -> str:
        """The job's name inside."""
        return keys.job_name(self.owner, self.id)


@dataclass(frozen=True)
class Caps:
    """What is refused: images queued in all, unfinished jobs of one owner; and the job's window."""

    max_queued: int
    max_open: int
    window: int


@dataclass(frozen=True)
class Verdict:
    """What `submit` made of a submission; `name` is of the job that stands."""

    kind: Literal["new", "replay", "mismatch", "gone", "full", "many", "unstaged"]
    name: str = ""


@dataclass(frozen=True)
class Item:
    """One image of a job; `result` is None while nothing is known."""

    index: int
    name: str
    result: Result | None


@dataclass(frozen=True)
class Queue:
    """How much waits for a model, and how fast it goes (images a second; 0: unknown)."""

    jobs: int
    images: int
    rate: float


class Store:
    """A gateway's side of the ledger, over one Redis."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self.client = client
        self._scripts = {name: client.register_script(source(name)) for name in SCRIPTS}

    async def stage(self, token: str, first: int, chunks: Sequence[Chunk]) -> None:
        """Write chunks for a job that is to come; `first` is the number of the first of them."""
        async with self.client.pipeline(transaction=False) as pipe:
            for number, chunk in enumerate(chunks, first):
                pipe.set(keys.staged_input(token, number), chunk.payload, ex=STAGED_S)
                if names := chunk.names_json():
                    pipe.set(keys.staged_names(token, number), names, ex=STAGED_S)
            await pipe.execute()

    async def unstage(self, token: str, count: int) -> None:
        """Take back what was staged for a job that will not be."""
        async with self.client.pipeline(transaction=False) as pipe:
            for number in range(count):
                pipe.unlink(keys.staged_input(token, number), keys.staged_names(token, number))
            await pipe.execute()

    async def submit(self, job: Submission, token: str, sizes: Sequence[int], caps: Caps) -> Verdict:
        """Make what was staged under `token` a job; `sizes` are its chunks' numbers of images."""
        starts = [0, *accumulate(sizes)]
        want = {
            "name": job.name,
            "stage": token,
            "owner": job.owner,
            "model": job.options.model,
            "lane": job.lane,
            "total": starts[-1],
            "chunks": len(sizes),
            "options": job.options.to_json(),
            "keep": job.options.keep_images,
            "metadata": json.dumps(dict(job.metadata)),
            "labels": job.labels,
            "weights": job.weights,
            "parent": job.parent,
            "ttl_ms": job.ttl_s * 1000,
            "fingerprint": job.fingerprint,
            "max_queued": caps.max_queued,
            "max_open": caps.max_open,
            "window": caps.window,
        }
        if job.idempotency:
            want["idempotency"] = job.idempotency
        packed = struct.pack(f"<{len(starts)}I", *starts)
        bell = message(job.options.model)
        kind, *rest = await self._scripts["submit"](args=[json.dumps(want), packed, bell])
        name = rest[0].decode() if rest and isinstance(rest[0], bytes) else ""
        return Verdict(kind.decode(), name)

    async def take_off(self, owner: str, digest: str) -> bool:
        """Whether no other request with this key is under way; from now on this one is."""
        return bool(await self.client.set(keys.flight(owner, digest), 1, nx=True, ex=120))

    async def land(self, owner: str, digest: str) -> None:
        """The request with this key is over."""
        await self.client.delete(keys.flight(owner, digest))

    async def job(self, name: str) -> Job | JobState | None:
        """The job, `JobState.EXPIRED` for what is left of an old one, None for one that never was."""
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
        rows: Any = await self.client.zrevrangebyscore(
            keys.owner_jobs(owner), newest, "-inf", start=0, num=count, withscores=True
        )
        return [(name.decode(), f"({int(score)}") for name, score in rows]

    async def starts(self, name: str) -> tuple[int, ...]:
        """The index of each chunk's first image, and the number of images."""
        packed: Any = await self.client.get(keys.starts(name)) or b""
        return struct.unpack(f"<{len(packed) // 4}I", packed)

    async def items(self, job: Job, first: int, count: int) -> list[Item]:
        """Up to `count` images of a job from index `first` on, read or not."""
        starts = await self.starts(job.name)
        last = min(first + count, job.counts.total)
        wanted = [c for c in range(len(starts) - 1) if starts[c] < last and starts[c + 1] > first]
        if not wanted:
            return []
        async with self.client.pipeline(transaction=False) as pipe:
            pipe.hmget(keys.results(job.name), [str(chunk) for chunk in wanted])
            pipe.mget([keys.chunk_names(job.name, chunk) for chunk in wanted])
            packed, named = await pipe.execute()
        items: list[Item] = []
        for chunk, result, names in zip(wanted, packed, named, strict=True):
            items += _items(starts[chunk], starts[chunk + 1], result, names)
        return [item for item in items if first <= item.index < last]

    async def payload(self, name: str, index: int) -> tuple[bytes | None, int]:
        """The packed chunk that holds image `index` (None: no longer kept), and its place there."""
        starts = await self.starts(name)
        chunk = next(c for c in range(len(starts) - 1) if starts[c + 1] > index)
        packed: Any = await self.client.get(keys.chunk_input(name, chunk))
        return packed, index - starts[chunk]

    async def cancel(self, name: str) -> str:
        """Stop a job; the state it is in after, or 'missing'."""
        answer: bytes = await self._scripts["cancel"](args=[name])
        return answer.decode()

    async def delete(self, name: str) -> str:
        """Forget a finished job: 'deleted', 'missing', or the state that forbids it."""
        answer: bytes = await self._scripts["delete"](args=[name])
        return answer.decode()

    async def queue(self, model: str, lane: Lane) -> Queue:
        """What waits for `model` in `lane`."""
        clock: Any = await self.client.time()
        seconds = range(clock[0] - 10, clock[0])
        async with self.client.pipeline(transaction=False) as pipe:
            pipe.zcard(keys.line(model, lane))
            pipe.get(keys.load(model, lane))
            pipe.mget([f"ink:done:{model}:{second}" for second in seconds])
            jobs, images, done = await pipe.execute()
        lately = [int(each) for each in done if each]
        return Queue(jobs, int(images or 0), sum(lately) / len(lately) if lately else 0.0)

    async def stats(self) -> dict[str, int]:
        """The ledger's counters since it began."""
        raw: Any = await self.client.hgetall(keys.STATS)
        return {key.decode(): int(value) for key, value in raw.items()}

    async def workers(self, within_ms: int = 10_000) -> list[dict[str, str]]:
        """What every worker with a recent heartbeat says of itself."""
        clock: Any = await self.client.time()
        since = clock[0] * 1000 - within_ms
        ids: Any = await self.client.zrangebyscore(keys.WORKERS, since, "+inf")
        async with self.client.pipeline(transaction=False) as pipe:
            for each in ids:
                pipe.hgetall(keys.worker(each.decode()))
            facts = await pipe.execute()
        return [{key.decode(): value.decode() for key, value in each.items()} for each in facts]


def _items(first: int, after: int, packed: bytes | None, named: bytes | None) -> list[Item]:
    results: Sequence[Result | None] = unpack(packed) if packed else [None] * (after - first)
    names = json.loads(named) if named else [str(index) for index in range(first, after)]
    return [
        Item(first + place, name, result)
        for place, (name, result) in enumerate(zip(names, results, strict=True))
    ]
