"""A submission from request to ledger: check, cut, stage, submit. What is accepted is stored."""

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fastapi import Request

from model.card import Card
from worker import keys
from worker.entrance import Caps, Entrance, Submission, Verdict
from worker.gauges import Gauges
from worker.jobs import Job, Lane
from worker.store import Store

from .intake.forms import read_request
from .intake.sources import Part
from .intake.spool import Spool
from .parameters import JobParameters, find_model, job_options, life_s, parse_parameters
from .problems import Problem
from .settings import GatewaySettings
from .staging import Staged, in_flight, staged


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
        gauges: Gauges,
        settings: GatewaySettings,
        cards: Mapping[str, Card],
    ) -> None:
        self._entrance, self._store, self._gauges = entrance, store, gauges
        self._settings, self._cards = settings, cards

    async def submit(
        self, request: Request, owner: str, job_id: str | None = None, *, single: bool = False
    ) -> Accepted:
        """Store the job in `request` under `job_id`, or a new id. Raises problems."""
        key = idempotency_digest(request.headers.get("idempotency-key"))
        query = request.query_params.multi_items()
        find_model(parse_parameters(*query), self._cards)  # refused before the body is read
        async with in_flight(self._entrance, owner, key or (f"id-{job_id}" if job_id else None)):
            with Spool() as spool:
                intake = await read_request(request, spool, self._settings)
                parameters = parse_parameters(*query, *intake.options)
                async with staged(self._entrance, intake.parts, self._settings, spool.forget) as images:
                    require_count(images.cutter.images, single)
                    job = self._describe(parameters, owner, job_id or new_id(), key, images)
                    return await self._enter(job, images)

    async def resubmit(self, old: Job, owner: str, parts: Iterable[Part], key: str | None) -> Accepted:
        """A new job of `parts`, read the way `old` was; once only under the same Idempotency-Key."""
        digest = idempotency_digest(key)
        async with staged(self._entrance, parts, self._settings) as images:
            job = Submission(
                owner=owner,
                id=new_id(),
                lane=old.lane,
                options=old.options,
                labels=old.labels,
                weights=old.weights,
                metadata=old.metadata,
                ttl_s=self._settings.expires_in,
                fingerprint=images.fingerprint(old.id),
                parent=old.id,
                idempotency=keys.idempotency(owner, digest) if digest else None,
            )
            return await self._enter(job, images)

    def _describe(
        self, parameters: JobParameters, owner: str, job_id: str, key: str | None, images: Staged
    ) -> Submission:
        card = find_model(parameters, self._cards)
        options = job_options(parameters, card)
        return Submission(
            owner=owner,
            id=job_id,
            lane=parameters.priority or self._lane(images.cutter.images),
            options=options,
            labels=card.labels,
            weights=card.sha256,
            metadata=parameters.metadata,
            ttl_s=life_s(parameters, self._settings),
            fingerprint=images.fingerprint(parameters.model_dump_json()),
            idempotency=keys.idempotency(owner, key) if key else None,
        )

    async def _enter(self, job: Submission, images: Staged) -> Accepted:
        settings = self._settings
        caps = Caps(settings.max_queued, settings.max_open, settings.window)
        verdict = await self._entrance.submit(job, images.token, images.cutter.sizes, caps)
        images.taken = verdict.kind == "new"
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
                queue = await self._gauges.queue(job.options.model, job.lane)
                wait = queue.images / 10 / queue.rate if queue.rate else 5.0
                detail = "Too many images are waiting to be read."
                return Problem("queue-full", detail, retry_after=min(60.0, wait))
        return Problem("storage-unavailable", "What was sent is gone; send it again.", retry_after=1)

    def _lane(self, images: int) -> Lane:
        return "interactive" if images <= self._settings.interactive_images else "bulk"


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
