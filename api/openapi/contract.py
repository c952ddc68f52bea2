"""The problems that each operation can answer with, for /docs: FastAPI lists only its own 422.

Every refusal is listed here once; tests check the gateway against this list, and the list against the
catalogue.
"""

from typing import Any

from .bodies import SCHEMAS, without_null
from .examples import JSON, MESSAGES, illustrate
from .headers import HEADERS, add_headers
from .refusals import EXAMPLES, PROBLEM, SHARED, refusals
from .security import SCHEMES, secure

EDGE = (
    "malformed-request",
    "request-timeout",
    "url-too-long",
    "host-not-allowed",
    "headers-too-large",
    "too-many-connections",
    "too-many-pipelined",
    "too-many-clients",
)
"""Refusals before any route."""

OWN = (
    "unauthorized",
    "insufficient-scope",
    "invalid-parameter",
    "rate-limited",
    "storage-unavailable",
    "no-resources",
)
"""Refusals of every operation that needs a key with a scope."""

JOB = ("not-found", "job-expired", *OWN)
CHANGE = ("cross-site",)
ENTER = (
    "request-in-progress",
    "idempotency-mismatch",
    "job-expired",
    "body-too-large",
    "queue-full",
    "memory-full",
    "too-many-queued",
    "too-many-jobs",
    "storage-unsafe",
)
CONTENT = (
    "empty-body",
    "no-images",
    "unknown-format",
    "unsupported-media-type",
    "malformed-json",
    "malformed-multipart",
    "unsafe-name",
    "file-too-large",
    "too-many-files",
    "too-many-entries",
    "too-many-images",
    "archive-bomb",
    "archive-invalid",
    "archive-unsupported",
    "nested-archive",
    "too-many-bytes",
    "too-many-documents",
    "array-invalid",
    "array-layout",
    "pickled-array",
    "unknown-model",
    "invalid-charset",
    "webhook-url-forbidden",
    "callback-secret-needed",
)
"""Refusals of an upload, and of the options to read it by."""

UPLOAD = (*OWN, *CHANGE, *ENTER, *CONTENT)
IMAGE = ("undecodable-image", "image-too-large", "worker-lost", "inference-failed")
PAYLOAD = (*CHANGE, "body-too-large")
CORRECTION = (*JOB, *PAYLOAD, "invalid-label", "item-pending")

OPERATIONS: dict[str, tuple[str, ...]] = {
    "POST /v1/jobs": UPLOAD,
    "GET /v1/jobs": OWN,
    "PUT /v1/jobs/{job_id}": UPLOAD,
    "GET /v1/jobs/{job_id}": JOB,
    "DELETE /v1/jobs/{job_id}": (*JOB, *CHANGE, "job-active"),
    "POST /v1/jobs/{job_id}/cancel": (*JOB, *CHANGE),
    "POST /v1/jobs/{job_id}/retry": (
        *JOB,
        *PAYLOAD,
        *ENTER,
        "job-not-finished",
        "nothing-to-retry",
        "image-not-kept",
        "unknown-model",
        "invalid-charset",
        "too-many-images",
        "callback-secret-needed",
    ),
    "GET /v1/jobs/{job_id}/results": (*JOB, "not-acceptable"),
    "GET /v1/jobs/{job_id}/items/{index}": JOB,
    "GET /v1/jobs/{job_id}/items/{index}/image": (*JOB, "image-not-kept"),
    "GET /v1/jobs/{job_id}/items/{index}/preview.png": (
        *JOB,
        "image-not-kept",
        *IMAGE[:2],
        "not-ready",
    ),
    "PATCH /v1/jobs/{job_id}/items/{index}/correction": CORRECTION,
    "PATCH /v1/jobs/{job_id}/corrections": CORRECTION,
    "GET /v1/jobs/{job_id}/export": (*JOB, "image-not-kept", "nothing-to-export", "too-many-images"),
    "GET /v1/jobs/{job_id}/events": (*JOB, "invalid-event-id", "too-many-streams"),
    "GET /v1/jobs/{job_id}/deliveries": JOB,
    "POST /v1/jobs/{job_id}/deliveries/{delivery_id}/redeliver": (
        *OWN,
        *CHANGE,
        "not-found",
        "webhook-disabled",
        "delivery-under-way",
    ),
    "POST /v1/predictions": (*UPLOAD, *IMAGE, "single-image-expected", "item-pending", "not-found"),
    "GET /v1/queue": OWN,
    "GET /v1/webhooks": OWN,
    "POST /v1/webhooks": (*OWN, *PAYLOAD, "webhook-url-forbidden", "too-many-webhooks"),
    "GET /v1/webhooks/{webhook_id}": (*OWN, "not-found"),
    "PATCH /v1/webhooks/{webhook_id}": (*OWN, *PAYLOAD, "not-found", "webhook-url-forbidden"),
    "DELETE /v1/webhooks/{webhook_id}": (*OWN, *CHANGE, "not-found"),
    "POST /v1/webhooks/{webhook_id}/secret": (*OWN, *CHANGE, "not-found", "secrets-overlap"),
    "GET /v1/webhooks/{webhook_id}/deliveries": (*OWN, "not-found"),
    "GET /v1/models": ("unauthorized", "invalid-parameter"),
    "GET /healthz": (),
    "GET /readyz": ("not-ready", "storage-unavailable"),
    "GET /metrics": ("storage-unavailable",),
    "GET /problems/{slug}": ("not-found",),
}

FAULTS = ("method-not-allowed", "internal-error")
"""Of no operation: the first is for requests that match none, the second should never occur."""


def describe(document: dict[str, Any]) -> None:
    """Write the problems, headers, examples and keys of every operation into an OpenAPI document; let no
    parameter be null."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            name = f"{method.upper()} {path}"
            for parameter in operation.get("parameters", ()):
                parameter["schema"] = without_null(parameter["schema"])
            responses = operation["responses"]
            responses.pop("422", None)  # FastAPI's own, in another form
            responses.update(refusals((*EDGE, *OPERATIONS[name])))
            add_headers(name, operation)
            illustrate(name, operation)
            secure(name, operation)
    for event, operations in document["webhooks"].items():
        operations["post"]["responses"].pop("422", None)
        operations["post"]["requestBody"]["content"][JSON]["example"] = MESSAGES[event]
    components = document["components"]
    for unused in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(unused, None)
    components["schemas"] |= {"Problem": PROBLEM, **SCHEMAS}
    components |= {
        "responses": SHARED,
        "headers": HEADERS,
        "examples": EXAMPLES,
        "securitySchemes": SCHEMES,
    }
