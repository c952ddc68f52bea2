"""One image, one answer: a job of one that is waited for."""

from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from worker.jobs import Job
from worker.results import Failure

from ..answers import job_response, wait_s
from ..bodies import IMAGE_BODY, PARAMETERS
from ..dependencies import (
    SettingsDep,
    StoreDep,
    SubmitOwnerDep,
    SubmitterDep,
    WaitingDep,
    require_job,
)
from ..items import item_out
from ..problems import Problem
from ..schemas import JobOut, PredictionOut
from .jobs import Prefer

router = APIRouter(prefix="/v1/predictions", tags=["predictions"])

SUBMISSION: dict[str, Any] = {"requestBody": IMAGE_BODY, "parameters": PARAMETERS}


@router.post(
    "",
    response_model=PredictionOut,
    responses={202: {"description": "it takes longer; the job to wait for", "model": JobOut}},
    openapi_extra=SUBMISSION,
)
async def predict(
    request: Request,
    owner: SubmitOwnerDep,
    store: StoreDep,
    submitter: SubmitterDep,
    waiting: WaitingDep,
    settings: SettingsDep,
    prefer: Prefer = None,
) -> Response:
    """Read one image. 200 with what it says, or 202 with the job if that takes longer."""
    accepted = await submitter.submit(request, owner, single=True)
    seconds = wait_s(prefer, settings.prediction_wait, settings.max_wait)
    job = require_job(await waiting.until_final(accepted.job.name, seconds))
    if not job.state.final:
        return job_response(job, 202)
    return await _result(store, job)


async def _result(store: StoreDep, job: Job) -> Response:
    (item,) = await store.items(job, 0, 1)
    if isinstance(item.result, Failure):
        raise Problem(item.result.type, f"{item.result.detail}.", job_id=job.id)
    shown = item_out(job, item) | {"job_id": job.id, "model": job.options.model}
    headers = {"Content-Location": f"/v1/jobs/{job.id}/items/0"}
    return Response(orjson.dumps(shown), 200, headers, "application/json")
