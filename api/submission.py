"""A submission from request to ledger: check, cut, stage, submit. What is accepted is stored."""

import hashlib
import secrets
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from anyio.to_thread import run_sync
from fastapi import Request

from model.card import Card
from worker import keys
from worker.chunks import Chunk
from worker.jobs import Job, Lane
from worker.store import Caps, Store, Submission, Verdict

from .intake.cutter import Cutter
from .intake.forms import read_request
from .intake.sources import Part
from .intake.spool import Spool
from .parameters import JobParameters, find_model, job_options, life_s, parse_parameters
from .problems import Problem
from .settings import GatewaySettings

STAGE_BYTES = 1 << 20


@dataclass(frozen=True)
class Accepted:
    """The job that stands; `replayed` if it did before."""

    job: Job
    replayed: bool


@dataclass
class Staged:
    """Images that are stored but belong to no job yet."""

    token: str
    cutter: Cutter
    taken: bool = False

    def fingerprint(self, options: str) -> str:
        """The same for the same images under the same options."""
        whole = self.cutter.fingerprint.copy()
        whole.update(options.encode())
        return whole.hexdigest()


class Submitter:
    """Takes jobs in, for one gateway."""

    def __init__(self, store: Store, settings: GatewaySettings, cards: Mapping[str, Card]) -> None:
        self._store, self._settings, self._cards = store, settings, cards

    async def submit(
        self, request: Request, owner: str, job_id: str | None = None, *, single: bool = False
    ) -> Accepted:
        """Store the job in `request` under `job_id`, or a new id. Raises problems."""
        key = idempotency_digest(request.headers.get("idempotency-key"))
        query = dict(request.query_params)
        find_model(parse_parameters(query), self._cards)  # refused before the body is read
        async with self._in_flight(owner, key or (f"id-{job_id}" if job_id else None)):
            with Spool() as spool:
                intake = await read_request(request, spool, self._settings)
                parameters = parse_parameters(query, intake.options)
                async with self._staged(intake.parts) as staged:
                    require_count(staged.cutter.images, single)
                    job = self._describe(parameters, owner, job_id or new_id(), key, staged)
                    return await self._enter(job, staged)

    async def resubmit(self, old: Job, owner: str, parts: Iterable[Part]) -> Accepted:
        """A new job of `parts`, read the way `old` was."""
        async with self._staged(parts) as staged:
            job = Submission(
                owner=owner,
                id=new_id(),
                lane=old.lane,
                options=old.options,
                labels=old.labels,
                weights=old.weights,
                metadata=old.metadata,
                ttl_s=self._settings.expires_in,
                fingerprint="",
                parent=old.id,
            )
            return await self._enter(job, staged)

    def _describe(
        self, parameters: JobParameters, owner: str, job_id: str, key: str | None, staged: Staged
    ) -> Submission:
        card = find_model(parameters, self._cards)
        options = job_options(parameters, card)
        return Submission(
            owner=owner,
            id=job_id,
            lane=parameters.priority or self._lane(staged.cutter.images),
            options=options,
            labels=card.labels,
            weights=card.sha256,
            metadata=parameters.metadata,
            ttl_s=life_s(parameters, self._settings),
            fingerprint=staged.fingerprint(parameters.model_dump_json()),
            idempotency=keys.idempotency(owner, key) if key else None,
        )

    async def _enter(self, job: Submission, staged: Staged) -> Accepted:
        settings = self._settings
        caps = Caps(settings.max_queued, settings.max_open, settings.window)
        verdict = await self._store.submit(job, staged.token, staged.cutter.sizes, caps)
        staged.taken = verdict.kind == "new"
        if verdict.kind not in ("new", "replay"):
            raise await self._refusal(verdict, job)
        standing = await self._store.job(verdict.name)
        if not isinstance(standing, Job):
            raise Problem("job-expired", "The job of this key or id is gone; use another.")
        return Accepted(standing, verdict.kind == "replay")

    async def _refusal(self, verdict: Verdict, job: Submission) -> Problem:
        match verdict.kind:
            case "mismatch":
                return Problem("idempotency-mismatch", "It stands for another body; use a new one.")
            case "gone":
                return Problem("job-expired", "A job of this id has expired; use another id.")
            case "many":
                detail = f"{self._settings.max_open} jobs are unfinished; wait for some."
                return Problem("too-many-jobs", detail, retry_after=2)
            case "full":
                queue = await self._store.queue(job.options.model, job.lane)
                wait = queue.images / 10 / queue.rate if queue.rate else 5.0
                detail = "Too many images are waiting to be read."
                return Problem("queue-full", detail, retry_after=min(60.0, wait))
        return Problem("storage-unavailable", "What was sent is gone; send it again.", retry_after=1)

    def _lane(self, images: int) -> Lane:
        return "interactive" if images <= self._settings.interactive_images else "bulk"

    @asynccontextmanager
    async def _staged(self, parts: Iterable[Part]) -> AsyncIterator[Staged]:
        """Images cut and stored; taken back on exit unless they became a job."""
        staged = Staged(secrets.token_hex(16), Cutter(self._settings))
        chunks, first = staged.cutter.cut(parts), 0
        try:
            while group := await run_sync(_take, chunks):
                await self._store.stage(staged.token, first, group)
                first += len(group)
            yield staged
        finally:
            if not staged.taken:
                await self._store.unstage(staged.token, first)

    @asynccontextmanager
    async def _in_flight(self, owner: str, digest: str | None) -> AsyncIterator[None]:
        """Only one request at a time under the same key or id."""
        if digest is None:
            yield
            return
        if not await self._store.take_off(owner, digest):
            raise Problem("request-in-progress", "Wait for its answer.", retry_after=1)
        try:
            yield
        finally:
            await self._store.land(owner, digest)


def new_id() -> str:
    """A job id: 128 random bits."""
    return f"job_{secrets.token_hex(16)}"


def idempotency_digest(key: str | None) -> str | None:
    """What an Idempotency-Key is stored as. Raises `malformed-request`."""
    if key is None:
        return None
    if not (0 < len(key) <= 255 and key.isprintable()):
        raise Problem("malformed-request", "An Idempotency-Key has 1 to 255 printable characters.")
    return hashlib.sha256(key.encode()).hexdigest()


def require_count(images: int, single: bool) -> None:
    """Raises `no-images`, or `single-image-expected`."""
    if not images:
        raise Problem("no-images", "There is no image in the request.")
    if single and images != 1:
        raise Problem("single-image-expected", f"{images} images were sent; use /v1/jobs.")


def _take(chunks: Iterator[Chunk]) -> list[Chunk]:
    """The next chunks, about STAGE_BYTES together: one larger write would hold up all others' syncs."""
    group, size = [], 0
    for chunk in chunks:
        group.append(chunk)
        size += len(chunk.payload)
        if size >= STAGE_BYTES:
            break
    return group
