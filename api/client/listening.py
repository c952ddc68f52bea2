"""The clients' connections to event streams, and how they read events."""

from collections.abc import AsyncGenerator, Iterator

import httpx
from httpx_sse import EventSource, ServerSentEvent
from pydantic import BaseModel, ValidationError

from ..schemas.events import CompletedEvent, Event, ProgressEvent, ResultEvent
from ..schemas.jobs import JobOut
from .calls import Call, Heard, Reply
from .errors import ProblemError, Unreachable


def is_stream(response: httpx.Response) -> bool:
    """Whether an answer is an event stream."""
    kind = response.headers.get("content-type", "").partition(";")[0].strip()
    return response.status_code == 200 and kind == "text/event-stream"


def read_event(sse: ServerSentEvent) -> Event | None:
    """The event; None for a kind not known to this client. Raises ProblemError if the job is gone."""
    try:
        match sse.event:
            case "progress":
                return ProgressEvent.model_validate_json(sse.data)
            case "result":
                event = ResultEvent.model_validate_json(sse.data)
                return event.model_copy(update={"id": sse.id})
            case "completed":
                return CompletedEvent(job=JobOut.model_validate_json(sse.data), id=sse.id)
            case "gone":
                raise ProblemError.read(_Gone.model_validate_json(sse.data).model_dump())
    except ValidationError as error:
        raise Unreachable(f"what sends these events is not inkqueue: {sse.data[:80]!r}") from error
    return None


class _Gone(BaseModel, extra="allow"):
    """A problem (RFC 9457)."""

    status: int


class EventConnection:
    """The event stream that a Client has open, one at a time."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self._response: httpx.Response | None = None
        self._events: Iterator[ServerSentEvent] = iter(())

    def open(self, call: Call) -> Reply:
        """The answer, its body unread if it is a stream."""
        self.close()
        try:
            request = self._http.build_request(**call.arguments())
            self._response = response = self._http.send(request, stream=True)
            if not is_stream(response):
                response.read()
        except httpx.RequestError as error:
            return error
        self._events = EventSource(response).iter_sse()
        return response

    def next(self) -> Heard:
        """The next event as soon as it arrives, None at the end, or the error that cut the stream."""
        try:
            return next(self._events, None)
        except httpx.RequestError as error:
            return error

    def close(self) -> None:
        """Close the stream, if one is open."""
        if self._response:
            self._response.close()


class AsyncEventConnection:
    """The event stream that an AsyncClient has open, one at a time."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._response: httpx.Response | None = None
        self._events: AsyncGenerator[ServerSentEvent] | None = None

    async def open(self, call: Call) -> Reply:
        """The answer, its body unread if it is a stream."""
        await self.aclose()
        try:
            request = self._http.build_request(**call.arguments())
            self._response = response = await self._http.send(request, stream=True)
            if not is_stream(response):
                await response.aread()
        except httpx.RequestError as error:
            return error
        self._events = EventSource(response).aiter_sse()
        return response

    async def next(self) -> Heard:
        """The next event as soon as it arrives, None at the end, or the error that cut the stream."""
        assert self._events is not None
        try:
            return await anext(self._events, None)
        except httpx.RequestError as error:
            return error

    async def aclose(self) -> None:
        """Close the stream, if one is open."""
        if self._events:
            await self._events.aclose()
        if self._response:
            await self._response.aclose()
