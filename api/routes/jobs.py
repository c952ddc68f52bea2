"""Jobs: submit, read, wait, list, cancel, retry, delete."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict

from worker.ledger import keys
from worker.ledger.jobs import Job, JobState

from .. import etags
from ..dependencies import (
    JobDep,
    JobId,
    ManagedJobDep,
    ManageOwnerDep,
    ReadOwnerDep,
    ResubmitterDep,
    SettingsDep,
    StoreDep,
    SubmitOwnerDep,
    SubmitterDep,
    WaitingDep,
)
from ..kept_images import failed_parts
from ..missing_jobs import require_job
from ..openapi.bodies import IF_NONE_MATCH, JOB_BODY, KEY, PARAMETERS
from ..payloads import body_schema, read_payload
from ..problems import Problem
from ..responses import accepted_response, job_response, wait_s
from ..schemas.jobs import JobOut, JobPage
from ..spellings import CURSOR

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

SUBMISSION: dict[str, Any] = {"requestBody": JOB_BODY, "parameters": PARAMETERS}
DONE: dict[str, Any] = {"description": "it was done within `Prefer: wait=N`", "model": JobOut}
NOW = "9999999999999999"
"""A cursor before the newest job, in microseconds like all cursors of the list."""

MOST_SEEN = 1000
"""Most jobs that are examined for one page of those in some state."""

IdempotencyKey = Annotated[str | None, Header(description="repeat safely", json_schema_extra=KEY)]
Prefer = Annotated[str | None, Header(description="wait=N: answer when done, or after N seconds")]


@router.post("", status_code=202, response_model=JobOut, responses={200: DONE}, openapi_extra=SUBMISSION)
async def submit_job(
    request: Request,
    owner: SubmitOwnerDep,
    submitter: SubmitterDep,
    waiting: WaitingDep,
    settings: SettingsDep,
    prefer: Prefer = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Store a job. 202: it is stored, and survives a crash of every process."""
    accepted = await submitter.submit(request, owner)
    return await accepted_response(accepted, waiting, wait_s(prefer, 0, settings.max_wait))


@router.put(
    "/{job_id}", status_code=202, response_model=JobOut, responses={200: DONE}, openapi_extra=SUBMISSION
)
async def put_job(
    request: Request,
    job_id: JobId,
    owner: SubmitOwnerDep,
    submitter: SubmitterDep,
    waiting: WaitingDep,
    settings: SettingsDep,
    prefer: Prefer = None,
) -> Response:
    """Store a job under an id you choose; sending it again changes nothing."""
    accepted = await submitter.submit(request, owner, job_id)
    return await accepted_response(accepted, waiting, wait_s(prefer, 0, settings.max_wait))


@router.get("", response_model=JobPage)
async def list_jobs(
    owner: ReadOwnerDep,
    store: StoreDep,
    state: JobState | None = None,
    cursor: Annotated[str, Query(pattern=CURSOR)] = NOW,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> JobPage:
    """Your jobs, newest first. With `state`, a page may hold fewer than `limit` jobs, or none, even if
    there is a next page."""
    found: list[Job] = []
    seen, last = 0, None
    async for job, place in _newest(store, owner, cursor):
        if len(found) == limit or seen == MOST_SEEN:
            return JobPage(data=[JobOut.of(each) for each in found], next_cursor=last)
        seen, last = seen + 1, place
        if state is None or job.state is state:
            found.append(job)
    return JobPage(data=[JobOut.of(each) for each in found], next_cursor=None)


@router.get(
    "/{job_id}",
    response_model=JobOut,
    responses={304: {"description": "it still matches `If-None-Match`"}},
    openapi_extra={"parameters": [IF_NONE_MATCH]},
)
async def read_job(
    request: Request,
    job: JobDep,
    waiting: WaitingDep,
    settings: SettingsDep,
    wait: Annotated[
        float, Query(ge=0, allow_inf_nan=False, description="seconds to wait for the end")
    ] = 0,
) -> Response:
    """A job as it is; with `wait`, as soon as it is final."""
    if wait and not job.state.final:
        seconds = min(wait, settings.max_wait)
        job = require_job(await waiting.until_final(job.name, seconds))
    response = job_response(job, 200)
    response.headers["ETag"] = etag = etags.of(response.body)
    if etags.matches(request, etag):
        return Response(status_code=304, headers={"ETag": etag})
    return response


@router.post(
    "/{job_id}/cancel",
    response_model=JobOut,
    responses={202: {"description": "the last images are still being read", "model": JobOut}},
)
async def cancel_job(job: ManagedJobDep, store: StoreDep) -> Response:
    """Cancel a job: no further image is read; results stay. 202 while the last images are being read."""
    await store.cancel(job.name)
    after = require_job(await store.job(job.name))
    return job_response(after, 200 if after.state.final else 202)


class Retry(BaseModel):
    """What to read again."""

    model_config = ConfigDict(extra="forbid")

    only: Literal["failed"] = "failed"


@router.post("/{job_id}/retry", status_code=202, response_model=JobOut, openapi_extra=body_schema(Retry))
async def retry_job(
    request: Request,
    job: ManagedJobDep,
    owner: ManageOwnerDep,
    store: StoreDep,
    resubmitter: ResubmitterDep,
    waiting: WaitingDep,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Submit the images that failed as a new job."""
    await read_payload(request, Retry, 'Send {"only": "failed"}, or nothing.')
    if not job.state.final:
        raise Problem("job-not-finished", "Wait for its end, or cancel it, then retry.")
    if not job.counts.failed:
        raise Problem("nothing-to-retry", "There is nothing to read again.")
    parts = failed_parts(store, job)
    accepted = await resubmitter.resubmit(job, owner, parts, idempotency_key)
    return await accepted_response(accepted, waiting, 0)


@router.delete("/{job_id}", status_code=204)
async def delete_job(job_id: JobId, owner: ManageOwnerDep, store: StoreDep) -> Response:
    """Delete a finished job and everything that belongs to it."""
    name = keys.job_name(owner, job_id)
    verdict = await store.delete(name)
    if verdict == "missing":
        require_job(await store.job(name))
    elif verdict != "deleted":
        raise Problem("job-active", f"It is {verdict}; cancel it first.", retry_after=1)
    return Response(status_code=204)


async def _newest(store: StoreDep, owner: str, cursor: str) -> AsyncIterator[tuple[Job, str]]:
    while rows := await store.jobs(owner, cursor, 50):
        for name, cursor in rows:
            job = await store.job(name)
            if isinstance(job, Job):
                yield job, cursor
