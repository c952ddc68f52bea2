"""A job's events as the bytes of server-sent events (WHATWG HTML, 9.2)."""

from typing import Any

import orjson
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from worker.ledger.jobs import Job
from worker.ledger.journal import Look

from ..problems import Problem
from ..schemas.events import ProgressEvent
from ..schemas.jobs import JobOut

PING = KEEPALIVE_COMMENT
OPENING = format_sse_event(retry=1000)
"""The first bytes of a stream: a browser waits for this long (ms) before it reconnects."""


def progress(look: Look) -> bytes:
    """The progress event, without an id: it describes only the present. Empty if the job is gone."""
    if not isinstance(look.job, Job):
        return b""
    shown = ProgressEvent.of(look.job, look.images_per_second)
    return format_sse_event(event="progress", data_str=shown.model_dump_json())


def result(event_id: str, items: list[dict[str, Any]]) -> bytes:
    """The event of a chunk's results."""
    data = orjson.dumps({"data": items}).decode()
    return format_sse_event(event="result", id=event_id, data_str=data)


def completed(event_id: str, job: Job) -> bytes:
    """The last event of a job."""
    data = JobOut.of(job).model_dump_json()
    return format_sse_event(event="completed", id=event_id or None, data_str=data)


def gone(problem: Problem, path: str) -> bytes:
    """The last event of a job that was deleted or expired meanwhile: the problem other requests get."""
    data = orjson.dumps(problem.body(path)).decode()
    return format_sse_event(event="gone", data_str=data)
