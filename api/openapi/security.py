"""Which key each operation needs, for /docs: FastAPI could derive only some of it, and of one header.

Tests check this against the gateway's refusals.
"""

from collections.abc import Mapping
from typing import Any

from ..auth.credentials import SCOPES

_KEYS = "An API key, `ink_...`; a gateway without keys needs none."
SCHEMES: Mapping[str, Any] = {
    "BearerKey": {"type": "http", "scheme": "bearer", "description": _KEYS},
    "HeaderKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": _KEYS},
}
"""Either will do."""

OPERATIONS: Mapping[str, str] = {
    "POST /v1/jobs": "submit",
    "GET /v1/jobs": "read",
    "PUT /v1/jobs/{job_id}": "submit",
    "GET /v1/jobs/{job_id}": "read",
    "DELETE /v1/jobs/{job_id}": "manage",
    "POST /v1/jobs/{job_id}/cancel": "manage",
    "POST /v1/jobs/{job_id}/retry": "manage",
    "GET /v1/jobs/{job_id}/results": "read",
    "GET /v1/jobs/{job_id}/items/{index}": "read",
    "GET /v1/jobs/{job_id}/items/{index}/image": "read",
    "GET /v1/jobs/{job_id}/items/{index}/preview.png": "read",
    "PATCH /v1/jobs/{job_id}/items/{index}/correction": "manage",
    "PATCH /v1/jobs/{job_id}/corrections": "manage",
    "GET /v1/jobs/{job_id}/export": "read",
    "GET /v1/jobs/{job_id}/events": "read",
    "GET /v1/jobs/{job_id}/deliveries": "webhooks",
    "POST /v1/jobs/{job_id}/deliveries/{delivery_id}/redeliver": "webhooks",
    "POST /v1/predictions": "submit",
    "GET /v1/queue": "operate",
    "GET /v1/webhooks": "webhooks",
    "POST /v1/webhooks": "webhooks",
    "GET /v1/webhooks/{webhook_id}": "webhooks",
    "PATCH /v1/webhooks/{webhook_id}": "webhooks",
    "DELETE /v1/webhooks/{webhook_id}": "webhooks",
    "POST /v1/webhooks/{webhook_id}/secret": "webhooks",
    "GET /v1/webhooks/{webhook_id}/deliveries": "webhooks",
    "GET /v1/models": "",
}
"""The scope that a key must have; '': any valid key will do. What is not here needs no key."""


def secure(name: str, operation: dict[str, Any]) -> None:
    """Write into the OpenAPI description of the operation `name` which key it needs."""
    if (scope := OPERATIONS.get(name)) is None:
        return
    operation["security"] = [{scheme: [scope] if scope else []} for scheme in SCHEMES]
    needed = f"a key with the scope `{scope}` ({SCOPES[scope]})" if scope else "any valid key"
    operation["description"] += f"\n\nNeeds {needed}."
