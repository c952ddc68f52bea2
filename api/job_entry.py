"""The last step of a submission and of a retry: images that were taken in become a job, or a refusal."""

import logging
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from worker.ledger import keys
from worker.ledger.admission import Limits, Verdict
from worker.ledger.jobs import Job, job_id
from worker.ledger.store import Store
from worker.ledger.submissions import Submission, Submissions
from worker.tracing import Tracer

from .intake.cutter import Cutter
from .intake.sources import Part
from .limits.admission import Admission
from .missing_jobs import require_standing
from .settings import GatewaySettings
from .staging import Staged

log = logging.getLogger(__name__)

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


class JobEntry:
    """Where jobs enter the ledger, at one gateway."""

    def __init__(
        self,
        submissions: Submissions,
        store: Store,
        admission: Admission,
        settings: GatewaySettings,
        tracer: Tracer,
    ) -> None:
        self.submissions, self.admission, self.settings = submissions, admission, settings
        self._store, self._tracer = store, tracer

    def staging(self, weight: int, known_by: Sequence[str]) -> Staged:
        """A context in which images are staged; `weight` is roughly the characters in each."""
        return Staged(self.submissions, Cutter(self.settings, weight), known_by)

    async def stage(
        self,
        images: Staged,
        parts: Iterable[Part],
        limits: Limits,
        forget: Callable[[], None] = lambda: None,
    ) -> None:
        """Stage or carry images (see Staged.take_in). Raises problems."""
        if verdict := await images.take_in(parts, limits, forget):
            raise await self.admission.refusal(verdict, limits.owner)

    async def enter(self, job: Submission, images: Staged, own: bool = False) -> Entered:
        """Make `job` of these images, or find the existing one; `own` if the caller chose its id. Raises
        problems."""
        if trace := self._tracer.current():
            job = replace(job, options=replace(job.options, trace=trace))
        verdict = await self._submit(job, images)
        if log.isEnabledFor(logging.INFO):
            log.info("job accepted", extra=_facts(job, verdict, images.cutter.images))
        # A new id can only be known because this request asked twice, its first answer being lost.
        replayed = verdict.kind == "replay" and (own or verdict.name != job.name)
        return Entered(job, verdict.name, replayed, images.cutter.first_name)

    async def standing(self, entered: Entered) -> Accepted:
        """The job that was entered. Raises `job-expired`."""
        return Accepted(require_standing(await self._store.job(entered.name)), entered.replayed)

    async def _submit(self, job: Submission, images: Staged) -> Verdict:
        for _ in range(STRANGERS):
            verdict = await images.submit(job, self.admission.limits(job.owner))
            if verdict.kind != "stranger":
                break
            await self.admission.look_again()
        if verdict.kind not in ("new", "replay"):
            raise await self.admission.refusal(verdict, job.owner)
        return verdict


def keys_of(owner: str, job_id: str, idempotency: str | None) -> list[str]:
    """The keys of which one exists if the job was taken before."""
    return [keys.job(keys.job_name(owner, job_id)), *([idempotency] if idempotency else [])]


def _facts(job: Submission, verdict: Verdict, images: int) -> dict[str, Any]:
    facts = {"job": job_id(verdict.name), "model": job.options.model, "lane": job.lane}
    return {"event": "job.accepted", "verdict": verdict.kind, **facts, "images": images}


def new_id() -> str:
    """A job id: 128 random bits."""
    return f"job_{os.urandom(16).hex()}"
