"""One image, one answer: a job of one image, which is waited for.

This route is called thousands of times a second, so it takes the plain request (see shortcut.py).
"""

from time import monotonic
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from worker.ledger import keys
from worker.ledger.packing import unpack
from worker.ledger.results import Failure
from worker.ledger.store import Item

from ..auth.authentication import caller
from ..items import item_data
from ..job_entry import Entered, new_id
from ..limits.rates import metered
from ..missing_jobs import require_job, require_standing
from ..openapi.bodies import IDEMPOTENCY_KEY, IMAGE_BODY, PARAMETERS, PREFER
from ..problems import Problem
from ..responses import job_response, wait_s
from ..schemas.jobs import JobOut, PredictionOut
from ..services import services_of

router = APIRouter(prefix="/v1/predictions", tags=["predictions"])

SUBMISSION: dict[str, Any] = {
    "requestBody": IMAGE_BODY,
    "parameters": [*PARAMETERS, PREFER, IDEMPOTENCY_KEY],
}


@router.post(
    "",
    response_model=PredictionOut,
    responses={202: {"description": "it takes longer; the job to wait for", "model": JobOut}},
    openapi_extra=SUBMISSION,
)
async def predict(request: Request) -> Response:
    """Read one image. 200 with what it says, or 202 with the job if that takes longer."""
    services = services_of(request.app)
    settings, waiting = services.settings, services.waiting
    if services.quotas.count_requests:
        await metered(request)
    owner = caller(request, ("submit",))
    seconds = wait_s(request.headers.get("prefer"), settings.prediction_wait, settings.max_wait)
    name = keys.job_name(owner, new := new_id())
    with waiting.expecting(name) as ended:
        entered = await services.submitter.enter(request, owner, new, single=True)
        end = monotonic() + seconds
        if not entered.replayed and (packed := await waiting.results(name, ended, seconds)):
            item = Item(0, entered.image, unpack(packed)[0])
            return _result(item, new, entered.wanted.options.model, entered.wanted.labels)
    return await _read_job(request, entered, end - monotonic())


async def _read_job(request: Request, entered: Entered, seconds: float) -> Response:
    """The answer if no notification brought it: from the job, which may be an earlier request's."""
    services = services_of(request.app)
    require = require_standing if entered.replayed else require_job
    job = require(await services.waiting.until_final(entered.name, seconds))
    if job.state.final:
        (item,) = await services.store.items(job, 0, 1)
        if item.result is None:
            keyed = "idempotency-key" in request.headers
            again = "use another Idempotency-Key" if keyed else "send it again"
            raise Problem("item-pending", f"Its job was canceled; {again}.", job_id=job.id)
        response = _result(item, job.id, job.options.model, job.labels)
    else:
        response = job_response(job, 202)
    if entered.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response


def _result(item: Item, job_id: str, model: str, labels: str) -> Response:
    if isinstance(item.result, Failure):
        raise Problem(item.result.type, f"{item.result.detail}.", job_id=job_id)
    data = item_data(item, labels, "canceled") | {"job_id": job_id, "model": model}
    headers = {"Content-Location": f"/v1/jobs/{job_id}/items/0"}
    return Response(orjson.dumps(data), 200, headers, "application/json")
