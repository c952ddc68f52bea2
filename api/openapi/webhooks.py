"""What receivers of webhooks are sent, for /docs: a message at a job's end (Standard Webhooks 1.0.0).

FastAPI describes the routes below as `webhooks`; nobody calls them.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Header, Response

from worker.webhooks.events import Event

from ..schemas.webhooks import MessageOut

MEANINGS: Mapping[Event, str] = {
    Event.COMPLETED: "A job was read: its state is `succeeded`, or `partially_failed` if some images"
    " could not be read.",
    Event.FAILED: "No image of a job could be read.",
    Event.CANCELED: "A job was canceled; the results of images that were read before stay.",
    Event.EXPIRED: "A job's time was over before it was finished.",
}
HOW = """Sent to each endpoint that asked for this event, and to the job's `callback_url`; of a single
image (`POST /v1/predictions`) to the latter only. Results are not in it: fetch them by the job's id.

Verify `webhook-signature` with the endpoint's secret, best by a library for Standard Webhooks, and
ignore a `webhook-id` that came before. Answer 2xx first and do the work afterwards: what is not answered
in time is sent again, for about three days unless the service is set otherwise. Redirects are not
followed."""

ANSWERS: Mapping[int | str, dict[str, Any]] = {
    204: {"description": "Any 2xx: it was received"},
    410: {"description": "No more messages are wanted: the endpoint is disabled"},
    "default": {"description": "It is sent again later, and not before the seconds in `Retry-After`"},
}

MessageId = Annotated[str, Header(description="the same at every attempt, and as in /deliveries")]
Timestamp = Annotated[int, Header(description="when this attempt was made, in seconds since 1970")]
Signature = Annotated[
    str,
    Header(description="`v1,` and HMAC-SHA256 of `ID.TIMESTAMP.BODY` in base64; by each valid secret"),
]

RECEIVERS = APIRouter(tags=["webhooks"])


async def _receive(
    message: MessageOut,
    webhook_id: MessageId,
    webhook_timestamp: Timestamp,
    webhook_signature: Signature,
) -> Response:
    raise NotImplementedError


for _event, _meaning in MEANINGS.items():
    RECEIVERS.add_api_route(
        _event,
        _receive,
        methods=["POST"],
        operation_id=_event.replace(".", "_"),
        summary=f"Told of {_event}",
        description=f"{_meaning}\n\n{HOW}",
        status_code=204,
        response_class=Response,
        responses=dict(ANSWERS),
    )
