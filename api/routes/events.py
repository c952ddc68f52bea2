"""A job's events as they happen: server-sent events, resumed where they left off."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Response
from fastapi.responses import StreamingResponse

from ..dependencies import JobDep, ReadOwnerDep, service
from ..events.following import Following
from ..events.streaming import Stream
from ..limits.streams import StreamLimits
from ..openapi import examples

router = APIRouter(prefix="/v1/jobs/{job_id}", tags=["results"])

MEDIA_TYPE = "text/event-stream"
EVENT = {
    "type": "object",
    "description": "one event; `data` is JSON",
    "properties": {
        "event": {"enum": ["progress", "result", "completed", "gone"]},
        "id": {"type": "string"},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
}
EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events, until the job is final",
        "content": {MEDIA_TYPE: {"schema": EVENT, "example": examples.EVENTS}},
    },
    204: {"description": "This job is final and its last event was received: do not reconnect"},
}
UNBUFFERED = {"X-Accel-Buffering": "no"}
"""nginx would hold events back."""


LimitsDep = Annotated[StreamLimits, Depends(service(lambda s: s.stream_limits))]
FollowingDep = Annotated[Following, Depends(service(lambda s: s.following))]


async def _limited(owner: ReadOwnerDep, job: JobDep, limits: LimitsDep) -> AsyncIterator[None]:
    async with limits.stream(owner):
        yield


@router.get(
    "/events",
    response_class=Response,
    responses=EVENTS,
    dependencies=[Depends(_limited)],
)
async def read_events(
    job: JobDep,
    following: FollowingDep,
    results: Annotated[bool, Query(description="false: no `result` events")] = True,
    last_event_id: Annotated[str | None, Header(description="continue after this event")] = None,
    last_event_id_query: Annotated[
        str | None, Query(alias="last_event_id", description="the same, for the first connection")
    ] = None,
) -> Response:
    """A job's events as they happen, as server-sent events.

    * `progress`: state, counts, position, rate and remaining time; at once, then at most 5 a second
    * `result`: the images of a chunk as soon as it is done, in the order in which chunks are done
    * `completed`: the job, and the stream ends
    * `gone`: the problem, if the job was deleted or expired meanwhile, and the stream ends

    `result` and `completed` have ids. Reconnect with the last of them as `Last-Event-ID` (browsers do),
    to any gateway: no event is left out or sent twice. A client that does not read is cut off.
    """
    after = await following.resume(job, last_event_id or last_event_id_query, results)
    if after is None:
        return Response(status_code=204)
    stream = Stream(following, job, after, results)
    return StreamingResponse(stream.frames(), headers=UNBUFFERED, media_type=MEDIA_TYPE)
