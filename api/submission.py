"""A submission from request to ledger: check, cut, stage, submit. What is accepted is stored."""

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from anyio.to_thread import run_sync
from fastapi import Request

from model.card import Card
from worker import keys
from worker.chunks import Chunk
from worker.jobs import Job, JobState
from worker.store import Caps, Store, Submission

from .intake.cutter import Cutter
from .intake.forms import Intake, read_request
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


class Submitter:
    """Takes jobs in, for one gateway."""

    def __init__(self, store: Store, settings: GatewaySettings, cards: dict[str, Card]) -> None:
        self._store, self._settings, self._cards = store, settings, cards

    async def submit(
        self, request: Request, owner: str, job_id: str | None = None, *, single: bool = False
    ) -> Accepted:
        """Store the job in `request` under `job_id`, or a new id. Raises problems."""
        key = request.headers.get("idempotency-key")
        digest = idempotency_digest(key, job_id)
        parse_parameters(dict(request.query_params))  # refused before the body is read
        async with self._in_flight(owner, digest):
            with Spool() as spool:
                intake = await read_request(request, spool, self._settings)
                parameters = parse_parameters(dict(request.query_params), intake.options)
                job = self._describe(parameters, owner, job_id, single)
                idempotency = keys.idempotency(owner, digest) if key and digest else None
                return await self._store_job(job, intake, idempotency, single)

    async def resubmit(self, old: Job, intake: Intake, owner: str) -> Accepted:
        """A new job with `intake`, read the way `old` was."""
        options = old.options
        job = Submission(
            owner=owner,
            id=new_id(),
            lane=old.lane,
            options=options,
            labels=old.labels,
            weights=old.weights,
            metadata=dict(old.metadata),
            ttl_s=self._settings.expires_in,
            fingerprint="",
            parent=old.id,
        )
        return await self._store_job(job, intake, None, False)

    def _describe(
        self, parameters: JobParameters, owner: str, job_id: str | None, single: bool
    ) -> Submission:
        card = find_model(parameters, self._cards)
        lane = parameters.priority or ("interactive" if single else None)
        return Submission(
            owner=owner,
            id=job_id or new_id(),
            lane=lane,
            options=job_options(parameters, card),
            labels=card.labels,
            weights=card.sha256,
            metadata=parameters.metadata,
            ttl_s=life_s(parameters, self._settings),
            fingerprint="",
        )

    async def _store_job(
        self, job: Submission, intake: Intake, idempotency: str | None, single: bool
    ) -> Accepted:
        token, cutter = secrets.token_hex(16), Cutter(self._settings)
        staged = False
        try:
            await self._stage(token, cutter.cut(intake.parts))
            job = job.complete(cutter, idempotency, self._settings.interactive_images)
            if not cutter.images:
                raise Problem("no-images", "There is no image in the request.")
            if single and cutter.images != 1:
                raise Problem("single-image-expected", f"{cutter.images} images were sent.")
            verdict = await self._store.submit(job, token, cutter.sizes, self._caps())
            staged = verdict.kind == "new"
        finally:
            if not staged:
                await self._store.unstage(token, len(cutter.sizes))
        if verdict.kind not in ("new", "replay"):
            raise await self._refusal(verdict.kind, job)
        return Accepted(await self._standing(verdict.name), verdict.kind == "replay")

    async def _stage(self, token: str, chunks: Iterator[Chunk]) -> None:
        first = 0
        while group := await run_sync(_take, chunks):
            await self._store.stage(token, first, group)
            first += len(group)

    async def _standing(self, name: str) -> Job:
        job = await self._store.job(name)
        if isinstance(job, Job):
            return job
        raise Problem("job-expired", "The job of this key or id is gone; use another.")

    async def _refusal(self, kind: str, job: Submission) -> Problem:
        if kind == "mismatch":
            return Problem("idempotency-mismatch", "It stands for another body; use a new one.")
        if kind == "gone":
            return Problem("job-expired", "A job of this id has expired; use another id.")
        if kind == "many":
            return Problem(
                "too-many-jobs",
                f"{self._settings.max_open} jobs are unfinished; wait for some.",
                retry_after=2,
            )
        if kind == "full":
            queue = await self._store.queue(job.options.model, job.lane)
            wait = queue.images / 10 / queue.rate if queue.rate else 5
            return Problem(
                "queue-full", "Too many images are waiting.", retry_after=min(60, max(1, wait))
            )
        return Problem("storage-unavailable", "What was sent is gone; send it again.", retry_after=1)

    def _caps(self) -> Caps:
        settings = self._settings
        return Caps(settings.max_queued, settings.max_open, settings.window)

    @asynccontextmanager
    async def _in_flight(self, owner: str, digest: str | None) -> AsyncIterator[None]:
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


def idempotency_digest(key: str | None, job_id: str | None) -> str | None:
    """What a repeated request is known by; None if it may be repeated freely."""
    if key is not None and not (0 < len(key) <= 255 and key.isprintable()):
        raise Problem("malformed-request", "An Idempotency-Key has 1 to 255 printable characters.")
    if key is not None:
        import hashlib

        return hashlib.sha256(key.encode()).hexdigest()
    return f"id-{job_id}" if job_id else None


def _take(chunks: Iterator[Chunk]) -> list[Chunk]:
    """The next chunks, about STAGE_BYTES together: one larger write would hold up all others' syncs."""
    group, size = [], 0
    for chunk in chunks:
        group.append(chunk)
        size += len(chunk.payload)
        if size >= STAGE_BYTES:
            break
    return group


__all__ = ["Accepted", "JobState", "Submitter"]
