"""A retry from request to ledger: images of an old job that failed become a new one."""

import asyncio
from collections.abc import Iterable, Mapping

from model.card import Card
from worker.ledger import keys
from worker.ledger.jobs import Job
from worker.ledger.submissions import Submission

from .idempotency import key_digest
from .intake.fitting import fitting
from .intake.sources import Part
from .job_entry import Accepted, JobEntry, keys_of, new_id
from .job_request import require_charset
from .parameters import find_model

RETRIES = 4
"""Retries that are taken in at a time: each holds a thread, which mostly waits for Redis; further ones
wait without taking threads from uploads."""


class Resubmitter:
    """Accepts retries, for one gateway."""

    def __init__(self, entry: JobEntry, cards: Mapping[str, Card]) -> None:
        self._entry, self._cards = entry, cards
        self._turns = asyncio.Semaphore(RETRIES)

    async def resubmit(self, old: Job, owner: str, parts: Iterable[Part], key: str | None) -> Accepted:
        """Store a new job of `parts`, which are taken in a thread, with the options of `old`, for the
        network that is served now; at most once under the same Idempotency-Key. Raises problems."""
        card = find_model(old.options.model, self._cards)
        require_charset(old.options.charset, card.labels)
        job_id, digest = new_id(), key_digest(key)
        idempotency = keys.idempotency(owner, digest) if digest else None
        known_by = keys_of(owner, job_id, idempotency)
        limits = await self._entry.admission.admit(owner, known_by, 0)
        async with self._turns, self._entry.staging(old.options.weight, known_by) as images:
            await self._entry.stage(images, fitting(parts, old.options, card.labels), limits)
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
            entered = await self._entry.enter(job, images)
        return await self._entry.standing(entered)
