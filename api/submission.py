"""A submission from request to ledger: check, cut, stage, submit. What is accepted is stored."""

import asyncio
import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from fastapi import Request
from starlette.datastructures import QueryParams

from model.card import Card
from worker.ledger import keys
from worker.ledger.admission import Limits, Verdict
from worker.ledger.jobs import Job, JobState, Lane, Options, job_id
from worker.ledger.store import Store
from worker.ledger.submissions import Submission, Submissions
from worker.tracing import Tracer
from worker.webhooks.urls import Policy

from .idempotency import exclusive, key_digest
from .intake.cutter import Cutter
from .intake.fitting import fitting
from .intake.sources import Part
from .job_request import JobRequest, require_charset
from .limits.admission import Admission
from .parameters import find_model, life_s, parse_parameters, require_url
from .problems import Problem
from .receiving import Receiver, declared
from .settings import GatewaySettings
from .staging import NoRoom, Staged

log = logging.getLogger(__name__)

KEPT = 64
"""Parsed query strings that are cached: most clients send the same one again and again."""

RETRIES = 4
"""Retries that are taken in at a time: each holds a thread, which mostly waits for Redis; further ones
wait without taking threads from uploads."""

STRANGERS = 3
"""Attempts to submit if Redis is not the server that was checked: an address may lead to two in turn."""


@dataclass(frozen=True)
class Entered:
    """A submission as it was `wanted`, and the `name` of its job, which existed before if `replayed`;
    `image` is the name of its first image."""

    wanted: Submission
    name: str
    replayed: bool
    image: str


@dataclass(frozen=True)
class Accepted:
    """The job of a submission; `replayed` if it existed before."""

    job: Job
    replayed: bool


class Submitter:
    """Accepts jobs, for one gateway."""

    def __init__(
        self,
        submissions: Submissions,
        store: Store,
        admission: Admission,
        settings: GatewaySettings,
        cards: Mapping[str, Card],
        tracer: Tracer,
    ) -> None:
        self._submissions, self._store, self._admission = submissions, store, admission
        self._settings, self._cards, self._tracer = settings, cards, tracer
        self._policy = Policy.of(settings)
        self._retries = asyncio.Semaphore(RETRIES)
        self._receiver = Receiver(settings, admission.quotas)
        self._asked = lru_cache(KEPT)(lambda query: self._parse(QueryParams(query).multi_items()))

    async def submit(self, request: Request, owner: str, job_id: str | None = None) -> Accepted:
        """Store the job in `request` under `job_id`, or a new id. Raises problems."""
        return await self._standing(
            await self.enter(request, owner, job_id or new_id(), own=job_id is not None)
        )

    async def enter(
        self, request: Request, owner: str, job_id: str, *, own: bool = False, single: bool = False
    ) -> Entered:
        """Store the job in `request` under `job_id`. Raises problems.

        `own`: the caller chose this id, which then takes the place of an Idempotency-Key.
        `single`: the job must have exactly one image.
        """
        key = None if own else key_digest(request.headers.get("idempotency-key"))
        asked = self._asked(request.scope["query_string"])  # refused before the body is read
        idempotency = keys.idempotency(owner, key) if key else None
        async with exclusive(self._submissions, owner, f"id-{job_id}" if own else key):
            known_by = _known_by(owner, job_id, idempotency)
            size = declared(request, self._settings.max_body_bytes)
            limits = await self._admission.admit(owner, known_by, size)
            async with self._receiver.body(request, owner) as (intake, forget):
                job_request = self._parse((*asked.given, *intake.options)) if intake.options else asked
                options = job_request.options
                async with self._staging(options.weight, known_by) as images:
                    if intake.single:
                        images.carry(intake.single)
                    else:
                        parts = fitting(intake.parts, options, job_request.card.labels)
                        await self._stage(images, parts, limits, forget)
                    images.require_count(single)
                    job = self._describe(job_request, owner, job_id, idempotency, images, single)
                    return await self._enter(job, images, own)

    async def resubmit(self, old: Job, owner: str, parts: Iterable[Part], key: str | None) -> Accepted:
        """Store a new job of `parts`, which are taken in a thread, with the options of `old`, for the
        network that is served now; at most once under the same Idempotency-Key. Raises problems."""
        card = find_model(old.options.model, self._cards)
        require_charset(old.options.charset, card.labels)
        job_id, digest = new_id(), key_digest(key)
        idempotency = keys.idempotency(owner, digest) if digest else None
        known_by = _known_by(owner, job_id, idempotency)
        limits = await self._admission.admit(owner, known_by, 0)
        async with self._retries, self._staging(old.options.weight, known_by) as images:
            await self._stage(images, fitting(parts, old.options, card.labels), limits)
            job = Submission(
                owner=owner,
                id=job_id,
                lane=old.lane,
                options=old.options,
                labels=card.labels,
                weights=card.sha256,
                metadata=old.metadata,
                ttl_s=(old.expires - old.created) // 1000,
                fingerprint=images.fingerprint(old.id.encode()),
                parent=old.id,
                callback_url=old.callback_url or "",
                idempotency=idempotency,
            )
            entered = await self._enter(job, images)
        return await self._standing(entered)

    def _describe(
        self,
        job_request: JobRequest,
        owner: str,
        job_id: str,
        idempotency: str | None,
        images: Staged,
        quiet: bool,
    ) -> Submission:
        parameters, options = job_request.parameters, job_request.options
        return Submission(
            owner=owner,
            id=job_id,
            lane=parameters.priority or self._lane(images.cutter.images, options),
            options=options,
            labels=job_request.card.labels,
            weights=job_request.card.sha256,
            metadata=parameters.metadata,
            ttl_s=life_s(parameters, self._settings),
            fingerprint=images.fingerprint(job_request.text),
            idempotency=idempotency,
            callback_url=parameters.callback_url or "",
            quiet=quiet,
        )

    def _parse(self, given: Sequence[tuple[str, str]]) -> JobRequest:
        """Parse (name, value) pairs. Raises `invalid-parameter`, `unknown-model` or
        `webhook-url-forbidden`."""
        parameters = parse_parameters(*given)
        if parameters.callback_url is not None:
            require_url(parameters.callback_url, self._policy)
        return JobRequest(given, parameters, find_model(parameters.model, self._cards))

    def _staging(self, weight: int, known_by: Sequence[str]) -> Staged:
        """A context in which images are staged; `weight` is roughly the characters in each."""
        return Staged(self._submissions, Cutter(self._settings, weight), known_by)

    async def _stage(
        self,
        images: Staged,
        parts: Iterable[Part],
        limits: Limits,
        forget: Callable[[], None] = lambda: None,
    ) -> None:
        """Stage or carry images as far as there is room (see Staged.take_in). Raises problems."""
        try:
            await images.take_in(parts, limits, forget)
        except NoRoom as refused:
            raise await self._admission.refusal(refused.verdict, limits.owner) from refused

    async def _enter(self, job: Submission, images: Staged, own: bool = False) -> Entered:
        if trace := self._tracer.current():
            job = replace(job, options=replace(job.options, trace=trace))
        verdict = await self._submit(job, images)
        if log.isEnabledFor(logging.INFO):
            log.info("job accepted", extra=_facts(job, verdict, images.cutter.images))
        # A new id can only be known because this request asked twice, its first answer being lost.
        replayed = verdict.kind == "replay" and (own or verdict.name != job.name)
        return Entered(job, verdict.name, replayed, images.cutter.first_name)

    async def _submit(self, job: Submission, images: Staged) -> Verdict:
        """Make a job of the staged or carried images, or find the existing one. Raises problems."""
        for _ in range(STRANGERS):
            verdict = await images.submit(job, self._admission.limits(job.owner))
            if verdict.kind != "stranger":
                break
            await self._admission.look_again()
        if verdict.kind not in ("new", "replay"):
            raise await self._admission.refusal(verdict, job.owner)
        return verdict

    async def _standing(self, entered: Entered) -> Accepted:
        return Accepted(require_standing(await self._store.job(entered.name)), entered.replayed)

    def _lane(self, images: int, options: Options) -> Lane:
        """The fast lane is for few characters, and for any single image."""
        few = images * options.weight <= self._settings.interactive_images
        return "interactive" if few or images == 1 else "bulk"


def _known_by(owner: str, job_id: str, idempotency: str | None) -> list[str]:
    """The keys of which one exists if the job was taken before."""
    return [keys.job(keys.job_name(owner, job_id)), *([idempotency] if idempotency else [])]


def _facts(job: Submission, verdict: Verdict, images: int) -> dict[str, Any]:
    facts = {"job": job_id(verdict.name), "model": job.options.model, "lane": job.lane}
    return {"event": "job.accepted", "verdict": verdict.kind, **facts, "images": images}


def require_standing(job: Job | JobState | None) -> Job:
    """`job`, if the job of a key or id still exists. Raises `job-expired`."""
    if isinstance(job, Job):
        return job
    raise Problem("job-expired", "The job of this key or id is gone; use another.")


def new_id() -> str:
    """A job id: 128 random bits."""
    return f"job_{os.urandom(16).hex()}"
