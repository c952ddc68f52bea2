"""Corrections of images by a person: kept beside what was read, never instead of it."""

import unicodedata
from collections.abc import Mapping

from fastapi import APIRouter, Request, Response

from worker.ledger.jobs import Job
from worker.ledger.store import Store

from ..dependencies import ManagedJobDep, StoreDep
from ..items import item_out
from ..payloads import body_schema, read_payload
from ..problems import Problem
from ..responses import json_response
from ..schemas.corrections import LONGEST, MOST, Corrected, Correction, Corrections
from ..schemas.jobs import ItemOut
from .items import Index, require_item

router = APIRouter(prefix="/v1/jobs/{job_id}", tags=["review"])

HINT = 'Send {"label": "7"}, or null for none.'

SPACES = {code: " " for code in range(0x3001) if code == 9 or unicodedata.category(chr(code)) == "Zs"}
"""Tabs and every kind of space, all stored as a plain space: pasted texts have them."""


@router.patch("/items/{index}/correction", response_model=ItemOut, openapi_extra=body_schema(Correction))
async def correct_item(request: Request, job: ManagedJobDep, store: StoreDep, index: Index) -> Response:
    """Correct or confirm one image. What was read stays as it was; `correction` stands beside it."""
    given = await read_payload(request, Correction, HINT, 1 << 17)
    await _correct(store, job, {index: given.label})
    return json_response(item_out(job, await require_item(store, job, index)))


@router.patch("/corrections", response_model=Corrected, openapi_extra=body_schema(Corrections))
async def correct_items(request: Request, job: ManagedJobDep, store: StoreDep) -> Corrected:
    """Correct or confirm up to 1000 images at once: all corrections are stored, or none.

    With `overwrite` false, images that have another correction stay as they are, and are in `kept`.
    """
    hint = f'Send {{"labels": {{"0": "7", "5": null}}}} with 1 to {MOST} images.'
    given = await read_payload(request, Corrections, hint, 1 << 18)
    labels = {int(index): label for index, label in given.labels.items()}
    kept = await _correct(store, job, labels, given.overwrite)
    shown = {str(index): label for index, label in kept.items()}
    return Corrected(corrected=len(labels) - len(kept), kept=shown)


async def _correct(
    store: Store, job: Job, given: Mapping[int, str | None], overwrite: bool = True
) -> Mapping[int, str]:
    labels = {index: label and label.translate(SPACES) for index, label in given.items()}
    for index, label in labels.items():
        if index >= job.counts.total:
            raise Problem("not-found", f"The job has images 0 to {job.counts.total - 1}.")
        if label is not None:
            _require_sayable(job, label)
    kept = await store.correct(job, labels, overwrite=overwrite)
    if kept is None:
        detail = "It was never read." if job.state.final else "It can be corrected once it is read."
        raise Problem("item-pending", detail, retry_after=None if job.state.final else 1)
    return kept


def _require_sayable(job: Job, label: str) -> None:
    """Raise `invalid-label` if no image of the job can have this label."""
    if job.options.layout == "character":
        if len(label) != 1 or label not in job.labels:
            raise Problem("invalid-label", f"{label[:20]!r} is not one of {job.labels}.")
    elif not 0 < len(label) <= LONGEST or not label.replace("\n", "").isprintable():
        detail = f"A text has 1 to {LONGEST} characters, no control characters but tabs and line breaks."
        raise Problem("invalid-label", detail)
