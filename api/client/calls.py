"""The client as sans-I/O generators: a flow yields requests and pauses and is sent responses.

Client and AsyncClient only carry flows out, as httpx does with its authentication flows.
"""

import math
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import httpx
from httpx_sse import ServerSentEvent
from pydantic import BaseModel, ValidationError

from ..schemas.events import Event
from .errors import ProblemError, Unreachable
from .retries import RetryPolicy, Tries
from .uploads import Upload

CONNECT_S, READ_S, UPLOAD_S = 5.0, 30.0, 300.0
LATE_S = 2.0
"""Extra time for an answer that a gateway may hold until the very end of the time given."""


@dataclass(frozen=True)
class Call:
    """One request; `repeatable` if a second one does no harm. The gateway may hold its answer for
    `wait_s`; after `left_s` nobody wants it any more."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    upload: Upload | None = None
    repeatable: bool = True
    wait_s: float = 0
    left_s: float = math.inf
    json: bytes | None = None
    file: Path | None = None
    """Where a successful answer is written as it comes, if it may be too large for memory."""

    def arguments(self) -> dict[str, Any]:
        """The arguments for `build_request` of either httpx client, except the body."""
        headers = dict(self.headers)
        if self.upload:
            headers["Content-Type"] = self.upload.content_type
            headers["Content-Length"] = str(self.upload.size)
        if self.json is not None:
            headers["Content-Type"] = "application/json"
        wait_s, most_s = min(self.wait_s, self.left_s), self.left_s + LATE_S
        read_s = UPLOAD_S if self.upload else READ_S + wait_s
        return {
            "method": self.method,
            "url": self.path,
            "params": {**self.params, **({"wait": f"{wait_s:.3f}"} if wait_s else {})},
            "headers": headers,
            "timeout": httpx.Timeout(min(read_s, most_s), connect=min(CONNECT_S, most_s)),
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


Reply = httpx.Response | httpx.RequestError | None
"""What a flow is sent after a Call: the answer, or why there is none; after a Pause, None."""

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)
Flow = Generator[Call | Pause, Reply, T]
Heard = ServerSentEvent | httpx.RequestError | None
"""What it is sent after Next: an event, or why there is none; None at the end of the stream."""

Step = Call | Pause | Listen | Next | Event
EventFlow = Generator[Step, Reply | Heard, T]
"""A flow that also listens, and yields events to its user on the way."""


def ask(call: Call, policy: RetryPolicy, end: float = math.inf) -> Flow[httpx.Response]:
    """The successful answer to `call`, retried by `policy`, but not after `end` by the monotonic clock.
    Raises ProblemError, Unreachable."""
    tries = Tries(policy, call.repeatable, end)
    while True:
        reply = yield replace(call, left_s=max(0.0, end - time.monotonic()))
        assert reply is not None
        if isinstance(reply, httpx.Response) and reply.is_success:
            if not is_answer(reply):
                raise _foreign(reply)
            return reply
        pause = tries.pause_after(reply)
        if pause is None:
            raise _refusal(reply)
        yield Pause(pause)


def ask_as(shape: type[M], call: Call, policy: RetryPolicy) -> Flow[M]:
    """The successful answer to `call`, parsed as `shape`. Raises as `ask` and `read_as`."""
    return read_as(shape, (yield from ask(call, policy)))


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
        raise _foreign(response) from error


def is_answer(response: httpx.Response) -> bool:
    """Whether this is a success, and not a page for people, such as a proxy's or a hotel's."""
    kind: str = response.headers.get("content-type", "")
    return response.is_success and not kind.lower().startswith("text/html")


def _foreign(response: httpx.Response) -> Unreachable:
    return Unreachable(f"what answers at {response.url} is not inkqueue")


def _refusal(reply: httpx.Response | httpx.RequestError) -> ProblemError | Unreachable:
    if isinstance(reply, httpx.Response):
        return ProblemError.of(reply)
    url = reply.request.url
    return Unreachable(
        f"no answer from {url.scheme}://{url.netloc.decode()}: {str(reply) or type(reply).__name__}"
    )
