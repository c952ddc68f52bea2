"""Talk without a voice: a flow yields calls and pauses, is sent answers, and returns what they mean.

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
        """What `httpx.Client.build_request` and its twin take, but the body."""
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
    """A call whose answer comes bit by bit, if it is an event stream; else whole."""

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
Tale = Generator[Step, Reply | Heard, T]
"""A flow that also listens, and tells its user of events while it goes on."""


def ask(call: Call, policy: RetryPolicy) -> Flow[httpx.Response]:
    """The good answer to `call`, made again as the policy allows. Raises ProblemError, Unreachable."""
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


def advance(tale: Tale[None], reply: Reply | Heard) -> Step | None:
    """The next step of a tale, None at its end."""
    try:
        return tale.send(reply)
    except StopIteration:
        return None


def read_as(shape: type[M], response: httpx.Response) -> M:
    """A good answer as what it should be. Raises Unreachable if it is something else."""
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
