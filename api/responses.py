"""A job as a response: its status code, its headers, and how long to wait for it."""

import re
from typing import Any

import orjson
from fastapi import Response

from worker.ledger.jobs import Job

from .events.waiting import Waiting
from .job_entry import Accepted
from .missing_jobs import require_job
from .schemas.jobs import JobOut

WAIT = re.compile(r'(?:^|[,;\s])wait\s*=\s*"?(\d+)', re.IGNORECASE)


async def accepted_response(accepted: Accepted, waiting: Waiting, seconds: float) -> Response:
    """202 with the job, or 200 if it is final within `seconds`."""
    job = accepted.job
    if seconds and not job.state.final:
        job = require_job(await waiting.until_final(job.name, seconds))
    response = job_response(job, 200 if seconds and job.state.final else 202)
    if accepted.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    if seconds:
        response.headers["Preference-Applied"] = f"wait={seconds:g}"
    return response


def job_response(job: Job, status: int) -> Response:
    """A job as a response, with its location and when to look again."""
    headers = {"Location": f"/v1/jobs/{job.id}"}
    if not job.state.final:
        headers["Retry-After"] = str(min(30, max(1, round(job.eta_seconds or 1))))
    body = JobOut.of(job).model_dump_json()
    return Response(body, status, headers, "application/json")


def wait_s(prefer: str | None, default: float, most: float) -> float:
    """The seconds to wait, at most `most`: those of the Prefer header (RFC 7240), 0 for `respond-async`
    by itself, else `default`."""
    default = min(most, default)
    if prefer is None:
        return default
    if match := WAIT.search(prefer):
        return min(most, float(match[1]))
    return 0 if "respond-async" in prefer.lower() else default


def json_response(data: Any) -> Response:
    """Plain data as a response."""
    return Response(orjson.dumps(data), media_type="application/json")
