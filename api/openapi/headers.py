"""Headers of answers, for /docs; those of every answer (see security_headers.py) are left out."""

from collections.abc import Iterable, Mapping
from typing import Any

from . import security

_TEXT = {"type": "string"}
_BOOLEAN = {"type": "boolean"}


def _header(description: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"description": description, "schema": schema}


HEADERS: Mapping[str, Any] = {
    "Location": _header("the path of the job or the endpoint", _TEXT),
    "Content-Location": _header("the path of the result", _TEXT),
    "Content-Disposition": _header("`attachment`, perhaps with a file name", _TEXT),
    "ETag": _header("changes with the answer; send it as If-None-Match", _TEXT),
    "Retry-After": _header(
        "seconds after which to look or to try again", {"type": "integer", "minimum": 1}
    ),
    "Idempotency-Replayed": _header("true: the job was there before this request", _BOOLEAN),
    "Preference-Applied": _header("wait=N: for how long this request would have waited", _TEXT),
    "Inkqueue-Complete": _header("for NDJSON and CSV: whether the job was final", _BOOLEAN),
    "WWW-Authenticate": _header("what is wrong with the key (RFC 6750)", _TEXT),
    "RateLimit-Policy": _header("requests allowed at once, and the seconds they take to return", _TEXT),
    "RateLimit": _header("requests left, and the seconds until all are allowed again", _TEXT),
}

_JOB = ("Location", "Retry-After")
_SUBMITTED = ("Location", "Idempotency-Replayed", "Preference-Applied")
OPERATIONS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "POST /v1/jobs": {"200": _SUBMITTED, "202": (*_SUBMITTED, "Retry-After")},
    "PUT /v1/jobs/{job_id}": {"200": _SUBMITTED, "202": (*_SUBMITTED, "Retry-After")},
    "GET /v1/jobs/{job_id}": {"200": (*_JOB, "ETag"), "304": ("ETag",)},
    "POST /v1/jobs/{job_id}/cancel": {"200": ("Location",), "202": _JOB},
    "POST /v1/jobs/{job_id}/retry": {"202": (*_JOB, "Idempotency-Replayed")},
    "GET /v1/jobs/{job_id}/results": {"200": ("Inkqueue-Complete",)},
    "GET /v1/jobs/{job_id}/items/{index}/image": {"200": ("Content-Disposition",)},
    "GET /v1/jobs/{job_id}/export": {"200": ("Content-Disposition",)},
    "POST /v1/predictions": {
        "200": ("Content-Location", "Idempotency-Replayed"),
        "202": (*_JOB, "Idempotency-Replayed"),
    },
    "POST /v1/webhooks": {"201": ("Location",)},
}
"""Headers of successful answers, by status."""

_LIMITS = ("RateLimit-Policy", "RateLimit")


def references(names: Iterable[str]) -> dict[str, Any]:
    """Headers as references to their descriptions."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def add_headers(name: str, operation: Mapping[str, Any]) -> None:
    """Write headers of successful answers, and of the rate limit, into the operation `name`: requests
    are counted where a scope is needed, once it is known who asks (see refusals.SHARED)."""
    limits = _LIMITS if security.OPERATIONS.get(name) else ()
    for status, response in operation["responses"].items():
        names = (*OPERATIONS.get(name, {}).get(status, ()), *limits)
        if names and "$ref" not in response:
            response["headers"] = response.get("headers", {}) | references(names)
