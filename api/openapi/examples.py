"""Examples for /docs: a job of two images, one of them unreadable, in every operation that shows it.

`illustrate` writes them into the OpenAPI document; tests check them against its schemas and the gateway.
"""

from collections.abc import Mapping
from typing import Any

import orjson
from fastapi.sse import format_sse_event

from worker.webhooks.events import Event

from ..csv_rows import COLUMNS, cells
from ..problems import CATALOGUE
from ..schemas.jobs import LINKS

JSON = "application/json"
JOB_ID = "job_66a4dca45f3f0e060ae8b757c656ea57"
NO_COUNTS = {"total": 2, "queued": 0, "running": 0, "succeeded": 0, "failed": 0, "canceled": 0}


def _job(job_id: str = JOB_ID, **facts: Any) -> dict[str, Any]:
    """A job of two images that was just stored, except for these facts."""
    stored = {
        "id": job_id,
        "state": "queued",
        "counts": NO_COUNTS | {"queued": 2},
        "position": 0,
        "eta_seconds": 0.4,
        "model": "balanced",
        "charset": None,
        "top_k": 3,
        "normalize": "auto",
        "layout": "character",
        "rows": None,
        "columns": None,
        "priority": "interactive",
        "keep_images": True,
        "callback_url": None,
        "metadata": {"sheet": "7"},
        "parent_id": None,
        "created_at": "2026-11-30T09:00:00.792000Z",
        "started_at": None,
        "ended_at": None,
        "expires_at": "2026-12-01T09:00:00.792000Z",
        "links": {name: f"/v1/jobs/{job_id}{rest}" for name, rest in LINKS.items()},
    }
    return stored | facts


STORED = _job()
CANCELING = _job(
    state="canceling",
    counts=NO_COUNTS | {"running": 1, "canceled": 1},
    started_at="2026-11-30T09:00:00.795000Z",
)
CANCELED = _job(
    state="canceled",
    counts=NO_COUNTS | {"canceled": 2},
    position=None,
    eta_seconds=None,
    ended_at="2026-11-30T09:00:00.811000Z",
)
DONE = _job(
    state="partially_failed",
    counts=NO_COUNTS | {"succeeded": 1, "failed": 1},
    position=None,
    eta_seconds=None,
    started_at="2026-11-30T09:00:00.795000Z",
    ended_at="2026-11-30T09:00:00.811000Z",
)
RETRIED = _job(
    "job_51fcbc4b04b7916c5caa841755cff954",
    counts=NO_COUNTS | {"total": 1, "queued": 1},
    parent_id=JOB_ID,
)
PROGRESS = {
    "state": "running",
    "counts": NO_COUNTS | {"running": 2},
    "position": 0,
    "eta_seconds": 0.4,
    "images_per_second": None,
}

SEVEN = {
    "index": 0,
    "name": "form-3/cell-4",
    "correction": None,
    "status": "succeeded",
    "label": "7",
    "confidence": 0.9886354,
    "uncertain": False,
    "flags": [],
    "top_k": [
        {"label": "7", "p": 0.9886354},
        {"label": "T", "p": 0.0078471},
        {"label": "1", "p": 0.0006437},
    ],
}
NO_IMAGE = {
    "index": 1,
    "name": "form-3/cell-5",
    "correction": None,
    "status": "failed",
    "error": {"type": "undecodable-image", "detail": "not a PNG, JPEG, TIFF, WebP or BMP image"},
}
ITEMS = [SEVEN, NO_IMAGE]
PREDICTION = SEVEN | {"name": "0", "job_id": JOB_ID, "model": "balanced"}

NDJSON = "".join(orjson.dumps(each, option=orjson.OPT_APPEND_NEWLINE).decode() for each in ITEMS)
CSV = "".join(
    ",".join("" if cell is None else str(cell) for cell in row) + "\r\n"
    for row in (COLUMNS, *map(cells, ITEMS))
)
EVENTS = b"".join(
    format_sse_event(event=kind, id=event_id, data_str=orjson.dumps(data).decode())
    for kind, event_id, data in (
        ("progress", None, PROGRESS),
        ("result", "1795879200123-0", {"data": ITEMS}),
        ("completed", "1795879200456-1", DONE),
    )
).decode()
METRICS = """\
# HELP inkqueue_workers Workers heard from in the last 10 s.
# TYPE inkqueue_workers gauge
inkqueue_workers 1.0
"""

MODEL = {
    "name": "digits",
    "labels": "0123456789",
    "parameters": 58394,
    "normalization": "mnist",
    "uncertain_below": 0.5334,
    "accuracy": {"top1": 0.9964, "top2": 0.9998, "top3": 1.0, "ece": 0.0014},
    "measured_on": "MNIST test, 10,000 images",
    "sha256": "eae5f981c25c7ee2abe11edc3c20bae23043f3262341acaf39c4f5f615f1f494",
}
QUEUE = {
    "models": [
        {
            "model": "balanced",
            "lanes": [
                {"lane": "interactive", "jobs": 1, "images": 2, "oldest_seconds": 0.1},
                {"lane": "bulk", "jobs": 0, "images": 0, "oldest_seconds": None},
            ],
            "images_per_second": 1290.4,
        }
    ],
    "workers": [
        {
            "id": "worker-1-ca9a6833",
            "models": ["balanced", "digits"],
            "device": "cpu",
            "reading": "balanced",
            "images": 51200,
            "batch": 256,
            "images_per_second": {"balanced": 6480.2},
            "ready_at": "2026-11-30T08:00:00.728000Z",
            "first_claim_at": "2026-11-30T08:00:01.795000Z",
        }
    ],
    "desired_workers": 1,
}
READY_WORKER = {"id": "worker-1-ca9a6833", "models": "balanced,digits", "device": "cpu"}

NEW_WEBHOOK = {
    "url": "https://example.org/hook",
    "events": ["job.completed", "job.failed"],
    "description": "the archive",
}
WEBHOOK = NEW_WEBHOOK | {
    "id": "wh_945348a4ac5c5ddac18d349b5f4adfaa",
    "enabled": True,
    "disabled_reason": None,
    "created_at": "2026-11-30T08:30:00.841000Z",
    "last_delivered_at": "2026-11-30T09:00:00.951000Z",
}
SECRET = {"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
DELIVERY = {
    "id": "msg_fd0cdf2f929c22bdfbf5005c85b764fc02abc4e2",
    "webhook_id": WEBHOOK["id"],
    "job_id": JOB_ID,
    "type": "job.completed",
    "state": "delivered",
    "reason": None,
    "created_at": "2026-11-30T09:00:00.811000Z",
    "next_attempt_at": None,
    "attempts": [
        {"at": "2026-11-30T09:00:00.912000Z", "took_ms": 39, "status": 204, "error": None},
    ],
}


def _message(event: Event, state: str, **counts: int) -> dict[str, Any]:
    data = {"id": JOB_ID, "state": state, "counts": NO_COUNTS | counts}
    return {"type": event, "timestamp": "2026-11-30T09:00:00.811Z", "data": data}


MESSAGES: Mapping[str, Any] = {
    Event.COMPLETED: _message(Event.COMPLETED, "partially_failed", succeeded=1, failed=1),
    Event.FAILED: _message(Event.FAILED, "failed", failed=2),
    Event.CANCELED: _message(Event.CANCELED, "canceled", canceled=2),
    Event.EXPIRED: _message(Event.EXPIRED, "expired", queued=2),
}
"""What receivers are sent, by event."""

ANSWERS: Mapping[str, Mapping[str, Any]] = {
    "POST /v1/jobs": {"202": STORED, "200": DONE},
    "GET /v1/jobs": {"200": {"data": [DONE], "next_cursor": None}},
    "PUT /v1/jobs/{job_id}": {"202": STORED, "200": DONE},
    "GET /v1/jobs/{job_id}": {"200": DONE},
    "POST /v1/jobs/{job_id}/cancel": {"200": CANCELED, "202": CANCELING},
    "POST /v1/jobs/{job_id}/retry": {"202": RETRIED},
    "GET /v1/jobs/{job_id}/results": {"200": {"data": ITEMS, "next_cursor": None, "complete": True}},
    "GET /v1/jobs/{job_id}/items/{index}": {"200": SEVEN},
    "PATCH /v1/jobs/{job_id}/items/{index}/correction": {"200": SEVEN | {"correction": "7"}},
    "PATCH /v1/jobs/{job_id}/corrections": {"200": {"corrected": 1, "kept": {"0": "7"}}},
    "GET /v1/jobs/{job_id}/deliveries": {"200": {"data": [DELIVERY]}},
    "POST /v1/jobs/{job_id}/deliveries/{delivery_id}/redeliver": {
        "202": DELIVERY | {"state": "pending", "next_attempt_at": "2026-11-30T09:05:00.120000Z"}
    },
    "POST /v1/predictions": {"200": PREDICTION, "202": STORED},
    "GET /v1/queue": {"200": QUEUE},
    "GET /v1/webhooks": {"200": {"data": [WEBHOOK]}},
    "POST /v1/webhooks": {"201": WEBHOOK | SECRET | {"last_delivered_at": None}},
    "GET /v1/webhooks/{webhook_id}": {"200": WEBHOOK},
    "PATCH /v1/webhooks/{webhook_id}": {"200": WEBHOOK},
    "POST /v1/webhooks/{webhook_id}/secret": {
        "200": SECRET | {"id": WEBHOOK["id"], "previous_valid_until": "2026-12-01T09:10:00.310000Z"}
    },
    "GET /v1/webhooks/{webhook_id}/deliveries": {"200": {"data": [DELIVERY]}},
    "GET /v1/models": {"200": [MODEL]},
    "GET /healthz": {"200": {"status": "ok"}},
    "GET /readyz": {"200": {"status": "ready", "workers": [READY_WORKER]}},
    "GET /problems/{slug}": {
        "200": {
            "type": "/problems/queue-full",
            "title": CATALOGUE["queue-full"][1],
            "status": CATALOGUE["queue-full"][0],
        }
    },
}
"""JSON by operation and status."""

BODIES: Mapping[str, Any] = {
    "POST /v1/jobs/{job_id}/retry": {"only": "failed"},
    "PATCH /v1/jobs/{job_id}/items/{index}/correction": {"label": "7"},
    "PATCH /v1/jobs/{job_id}/corrections": {"labels": {"0": "7", "1": "4"}, "overwrite": False},
    "POST /v1/webhooks": NEW_WEBHOOK,
    "PATCH /v1/webhooks/{webhook_id}": {"enabled": True},
}
"""JSON by operation, where bodies.py has none."""


def illustrate(name: str, operation: Mapping[str, Any]) -> None:
    """Write the examples of the operation `name` into its OpenAPI description."""
    for status, example in ANSWERS.get(name, {}).items():
        operation["responses"][status]["content"][JSON]["example"] = example
    if name in BODIES:
        operation["requestBody"]["content"][JSON]["example"] = BODIES[name]
