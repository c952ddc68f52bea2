"""A submission from request to ledger: check, cut, stage, submit. What is accepted is stored."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from fastapi import Request
from starlette.datastructures import QueryParams

from model.card import Card
from worker.ledger import keys
from worker.ledger.jobs import Lane, Options
from worker.ledger.submissions import Submission
from worker.webhooks.urls import Policy

from .idempotency import exclusive, key_digest
from .intake.fitting import fitting
from .job_entry import Accepted, Entered, JobEntry, keys_of, new_id
from .job_request import JobRequest
from .parameters import find_model, life_s, parse_parameters, require_url
from .receiving import Receiver, declared
from .staging import Staged

KEPT = 64
"""Parsed query strings that are cached: most clients send the same one again and again."""


class Submitter:
    """Accepts jobs, for one gateway."""

    def __init__(self, entry: JobEntry, cards: Mapping[str, Card]) -> None:
        self._entry, self._settings, self._cards = entry, entry.settings, cards
        self._policy = Policy.of(entry.settings)
        self._receiver = Receiver(entry.settings, entry.admission.quotas)
        self._asked = lru_cache(KEPT)(lambda query: self._parse(QueryParams(query).multi_items()))

    async def submit(self, request: Request, owner: str, job_id: str | None = None) -> Accepted:
        """Store the job in `request` under `job_id`, or a new id. Raises problems."""
        return await self._entry.standing(
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
        async with exclusive(self._entry.submissions, owner, f"id-{job_id}" if own else key):
            known_by = keys_of(owner, job_id, idempotency)
            size = declared(request, self._settings.max_body_bytes)
            limits = await self._entry.admission.admit(owner, known_by, size)
            async with self._receiver.body(request, owner) as (intake, forget):
                job_request = self._parse((*asked.given, *intake.options)) if intake.options else asked
                options = job_request.options
                async with self._entry.staging(options.weight, known_by) as images:
                    if intake.single:
                        images.carry(intake.single)
                    else:
                        parts = fitting(intake.parts, options, job_request.card.labels)
                        await self._entry.stage(images, parts, limits, forget)
                    images.require_count(single)
                    job = self._describe(job_request, owner, job_id, idempotency, images, single)
                    return await self._entry.enter(job, images, own)

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

    def _lane(self, images: int, options: Options) -> Lane:
        """The fast lane is for few characters, and for any single image."""
        few = images * options.weight <= self._settings.interactive_images
        return "interactive" if few or images == 1 else "bulk"
