"""A submission from request to ledger: check, cut, stage, submit. What is accepted is stored."""

import logging
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fastapi import Request

from model.card import Card
from worker import keys
from worker.admission import Room, Verdict
from worker.entrance import Entrance, Submission
from worker.jobs import Job, Lane, Options, job_id
from worker.store import Store
from worker.tracing import Tracer
from worker.webhooks.urls import Policy

from .intake.fitting import fitting
from .intake.sources import Part
from .limits.admission import Admission
from .options import job_options
from .parameters import (
    JobParameters,
    find_model,
    life_s,
    parse_parameters,
    require_url,
)
from .problems import Problem
from .receiving import Receiver, declared
from .settings import GatewaySettings
from .staging import Staged, idempotency_digest, in_flight

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entered:
    """What was `wanted`, and by which name it stands; `replayed` if it did before. `image` is what its
    first image is called."""

    wanted: Submission
    name: str
    replayed: bool
    image: str


@dataclass(frozen=True)
class Accepted:
    """The job that stands; `replayed` if it did before."""

    job: Job
    replayed: bool


class Submitter:
    """Takes jobs in, for one gateway."""

    def __init__(
        self,
        entrance: Entrance,
        store: Store,
        admission: Admission,
        settings: GatewaySettings,
        cards: Mapping[str, Card],
        tracer: Tracer,
    ) -> None:
        self._entrance, self._store, self._admission = entrance, store, admission
        self._settings, self._cards, self._tracer = settings, cards, tracer
        self._policy = Policy.of(settings)
        self._receiver = Receiver(settings, admission.quotas)

    async def submit(self, request: Request, owner: str, job_id: str | None = None) -> Accepted:
        """Store the job in `request` under `job_id`, or a new id. Raises problems."""
        return await self._standing(
            await self.enter(request, owner, job_id or new_id(), own=job_id is not None)
        )

    async def enter(
        self, request: Request, owner: str, job_id: str, *, own: bool = False, single: bool = False
    ) -> Entered:
        """Store the job in `request` under `job_id`, which its caller chose if it is its `own`.

        Raises problems.
        """
        key = idempotency_digest(request.headers.get("idempotency-key"))
        query = request.query_params.multi_items()
        asked = parse_parameters(*query)
        self._require_possible(asked)  # refused before the body is read
        async with in_flight(self._entrance, owner, key or (f"id-{job_id}" if own else None)):
            name, size = keys.job_name(owner, job_id), declared(request, self._settings.max_body_bytes)
            room = await self._admission.room(owner, name, key and keys.idempotency(owner, key), size)
            async with self._receiver.received(request, owner) as (intake, forget):
                parameters = parse_parameters(*query, *intake.options) if intake.options else asked
                card = self._require_possible(parameters)
                options = job_options(parameters, card)
                parts, light = fitting(intake.parts, options, card.labels), intake.light
                async with self._admission.staged(parts, room, options.weight, forget, light) as images:
                    images.require_count(single)
                    job = self._describe(parameters, options, card, owner, job_id, key, images, single)
                    return await self._enter(job, images, room)

    async def resubmit(self, old: Job, owner: str, parts: Iterable[Part], key: str | None) -> Accepted:
        """A new job of `parts`, read the way `old` was; once only under the same Idempotency-Key."""
        digest = idempotency_digest(key)
        job_id, idempotency = new_id(), keys.idempotency(owner, digest) if digest else None
        room = await self._admission.room(owner, keys.job_name(owner, job_id), idempotency, 0)
        async with self._admission.staged(parts, room, old.options.weight) as images:
            job = Submission(
                owner=owner,
                id=job_id,
                lane=old.lane,
                options=old.options,
                labels=old.labels,
                weights=old.weights,
                metadata=old.metadata,
                ttl_s=self._settings.expires_in,
                fingerprint=images.fingerprint(old.id),
                parent=old.id,
                callback_url=old.callback_url or "",
                idempotency=idempotency,
            )
            entered = await self._enter(job, images, room)
        return await self._standing(entered)

    def _describe(
        self,
        parameters: JobParameters,
        options: Options,
        card: Card,
        owner: str,
        job_id: str,
        key: str | None,
        images: Staged,
        quiet: bool,
    ) -> Submission:
        return Submission(
            owner=owner,
            id=job_id,
            lane=parameters.priority or self._lane(images.cutter.images, options),
            options=options,
            labels=card.labels,
            weights=card.sha256,
            metadata=parameters.metadata,
            ttl_s=life_s(parameters, self._settings),
            fingerprint=images.fingerprint(parameters.model_dump_json()),
            idempotency=keys.idempotency(owner, key) if key else None,
            callback_url=parameters.callback_url or "",
            quiet=quiet,
        )

    def _require_possible(self, parameters: JobParameters) -> Card:
        """The card of the model. Raises `unknown-model` or `webhook-url-forbidden`."""
        if parameters.callback_url is not None:
            require_url(parameters.callback_url, self._policy)
        return find_model(parameters, self._cards)

    async def _enter(self, job: Submission, images: Staged, room: Room) -> Entered:
        if trace := self._tracer.current():
            job = replace(job, options=replace(job.options, trace=trace))
        verdict = await self._admission.enter(job, images, room)
        log.info("job accepted", extra=_facts(job, verdict, images.cutter.images))
        return Entered(job, verdict.name, verdict.kind == "replay", images.cutter.first_name)

    async def _standing(self, entered: Entered) -> Accepted:
        job = await self._store.job(entered.name)
        if not isinstance(job, Job):
            raise Problem("job-expired", "The job of this key or id is gone; use another.")
        return Accepted(job, entered.replayed)

    def _lane(self, images: int, options: Options) -> Lane:
        """The fast lane is for few characters, and for whatever is one image."""
        few = images * options.weight <= self._settings.interactive_images
        return "interactive" if few or images == 1 else "bulk"


def _facts(job: Submission, verdict: Verdict, images: int) -> dict[str, Any]:
    facts = {"job": job_id(verdict.name), "model": job.options.model, "lane": job.lane}
    return {"event": "job.accepted", "verdict": verdict.kind, **facts, "images": images}


def new_id() -> str:
    """A job id: 128 random bits."""
    return f"job_{secrets.token_hex(16)}"
