"""The client as sans-I/O generators: a flow yields requests and pauses and is sent responses.

Client and AsyncClient only carry flows out, as httpx does with its authentication flows.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
from httpx_sse import ServerSentEvent
from pydantic import BaseModel, ValidationError

from ..events.happenings import Event
from .errors import ProblemError, Unreachable
from .retries import RetryPolicy, Tries
from .uploads import Upload

CONNECT_S, READ_S, UPLOAD_S = 5.0, 30.0, 300.0


@dataclass(frozen=True)
class Call:
    """One request; `repeatable` if a second one does no harm."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    upload: Upload | None = None
    repeatable: bool = True
    wait_s: float = 0
    json: bytes | None = None

    def arguments(self) -> dict[str, Any]:
        """What `httpx.Client.build_request` and its twin take, except the body."""
        headers = dict(self.headers)
        if self.upload:
            headers["Content-Type"] = self.upload.content_type
            headers["Content-Length"] = str(self.upload.size)
        if self.json is not None:
            headers["Content-Type"] = "application/json"
        read_s = UPLOAD_S if self.upload else READ_S + self.wait_s
        return {
            "method": self.method,
            "url": self.path,
            "params": dict(self.params),
            "headers": headers,
            "timeout": httpx.Timeout(read_s, connect=CONNECT_S),
        }


@dataclass(frozen=True)
class Pause:
    """Time to let pass."""

    seconds: float


@dataclass(frozen=True)
class Listen:
    """A call whose answer is read event by event if it is an event stream, else as a whole."""

    call: Call


@dataclass(frozen=True)
class Next:
    """The next event of the answer to Listen."""


Reply = httpx.Response | httpx.TransportError | None
"""What follows a Call: an answer or why there is none. None follows a Pause."""

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)
Flow = Generator[Call | Pause, Reply, T]
Heard = ServerSentEvent | httpx.TransportError | None
"""What follows Next: an event, why there is none, or that the stream ended."""

Step = Call | Pause | Listen | Next | Event
EventFlow = Generator[Step, Reply | Heard, T]
"""A flow that also listens, and yields events to its user on the way."""


def ask(call: Call, policy: RetryPolicy) -> Flow[httpx.Response]:
    """The successful answer to `call`, retried by `policy`. Raises ProblemError, Unreachable."""
    tries = Tries(policy, call.repeatable)
    while True:
        reply = yield call
        assert reply is not None
        if isinstance(reply, httpx.Response) and reply.is_success:
            return reply
        pause = tries.pause_after(reply)
        if pause is None:
            raise _refusal(reply)
        yield Pause(pause)


def advance(flow: EventFlow[None], reply: Reply | Heard) -> Step | None:
    """The next step of an event flow, None at its end."""
    try:
        return flow.send(reply)
    except StopIteration:
        return None


def read_as(shape: type[M], response: httpx.Response) -> M:
    """A successful answer parsed as `shape`. Raises Unreachable if it is something else."""
    try:
        return shape.model_validate_json(response.content)
    except ValidationError as error:
        raise Unreachable(f"what answers at {response.url} is not inkqueue") from error


def _refusal(reply: httpx.Response | httpx.TransportError) -> ProblemError | Unreachable:
    if isinstance(reply, httpx.Response):
        return ProblemError.of(reply)
    url = reply.request.url
    return Unreachable(
        f"no answer from {url.scheme}://{url.netloc.decode()}: {str(reply) or type(reply).__name__}"
    )
