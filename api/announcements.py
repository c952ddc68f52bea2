"""What a stream of events says, as data and as the bytes of server-sent events (WHATWG HTML, 9.2)."""

from typing import Any

import orjson
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from pydantic import BaseModel, Field

from worker.jobs import Counts, Job, JobState
from worker.journal import Look

from .problems import Problem
from .schemas import ItemOut, JobOut

PING = KEEPALIVE_COMMENT
RETRY_MS = 1000
"""How long a browser waits before it comes back."""


class ProgressOut(BaseModel):
    """Event `progress`: how far a job is."""

    state: JobState
    counts: Counts
    position: int | None = Field(description="unfinished jobs that came before")
    eta_seconds: float | None = Field(description="None: unknown, or done")
    images_per_second: float | None = Field(description="of this job, lately; None: unknown")

    @classmethod
    def of(cls, job: Job, rate: float | None) -> "ProgressOut":
        """What is shown of a job that goes on."""
        return cls(
            state=job.state,
            counts=job.counts,
            position=job.position,
            eta_seconds=job.eta_seconds,
            images_per_second=rate,
        )


class ResultsOut(BaseModel):
    """Event `result`: the images of one chunk, all of them, in the order of upload."""

    data: list[ItemOut]


def opening() -> bytes:
    """What a stream begins with."""
    return format_sse_event(retry=RETRY_MS)


def progress(look: Look, job: Job) -> bytes:
    """The event without an id: it is about now, and nobody needs it later."""
    shown = ProgressOut.of(job, look.images_per_second)
    return format_sse_event(event="progress", data_str=shown.model_dump_json())


def result(event_id: str, items: list[dict[str, Any]]) -> bytes:
    """The event of a chunk."""
    data = orjson.dumps({"data": items}).decode()
    return format_sse_event(event="result", id=event_id, data_str=data)


def completed(event_id: str, job: Job) -> bytes:
    """The last event of a job."""
    data = JobOut.of(job).model_dump_json()
    return format_sse_event(event="completed", id=event_id or None, data_str=data)


def gone(problem: Problem, path: str) -> bytes:
    """The last event of a job that was deleted or expired meanwhile: the problem others would get."""
    data = orjson.dumps(problem.body(path)).decode()
    return format_sse_event(event="gone", data_str=data)


EXAMPLE = """\
event: progress
data: {"state":"running","counts":{"total":512,"queued":256,"running":256,"succeeded":0,"failed":0,\
"canceled":0},"position":0,"eta_seconds":0.4,"images_per_second":1290.0}

event: result
data: {"data":[{"index":0,"name":"0.png","status":"succeeded","label":"7","confidence":0.9982,\
"uncertain":false,"top_k":[{"label":"7","p":0.9982},{"label":"1","p":0.0011}]}]}
id: 1795879200123-0

event: completed
data: {"id":"job_66a4dca45f3f0e060ae8b757c656ea57","state":"succeeded"}
id: 1795879200456-1
"""
