"""Follows a job to its end: by an event stream, which is resumed when it is cut, else by polling.

There may be no stream: a proxy may not support it, may cut it or buffer it, or the gateway has too many.
Then the job is polled for a while, and the stream is tried again; no result is reported twice.
"""

import random
import time
from dataclasses import dataclass, field

import httpx
from httpx_sse import ServerSentEvent

from ..schemas.events import CompletedEvent, ProgressEvent, ResultEvent
from ..schemas.jobs import ItemOut
from .calls import Call, EventFlow, Listen, Next, Pause
from .flows import PROGRESS_S, Flows, path_of
from .listening import is_stream, read_event

POLLED_S = 15.0
CALM_S = 5.0
"""A stream that lasted this long was no failure, even if nothing happened meanwhile."""

FAILURES = 3
DONE = ("succeeded", "failed")


@dataclass
class Subscription:
    """How far a job has been reported: the id of the last event, and for each image a byte, 1 or 0."""

    job_id: str
    results: bool
    last: str | None = None
    reported: bytearray = field(default_factory=bytearray)
    over: bool = False

    def call(self) -> Call:
        """The call that opens the stream where it left off."""
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": self.last} if self.last else {})
        params = {} if self.results else {"results": "false"}
        return Call("GET", f"{path_of(self.job_id)}/events", params, headers)

    def new(self, items: list[ItemOut]) -> list[ItemOut]:
        """Those of `items` that are done and were not reported yet; marks them as reported."""
        end = max((item.index for item in items), default=-1) + 1
        self.reported.extend(bytes(max(0, end - len(self.reported))))
        fresh = [item for item in items if item.status in DONE and not self.reported[item.index]]
        for item in fresh:
            self.reported[item.index] = 1
        return fresh

    @property
    def first_unreported(self) -> int:
        """The index of the first image that was not reported yet."""
        place = self.reported.find(0)
        return len(self.reported) if place < 0 else place


def follow(flows: Flows, job_id: str, results: bool) -> EventFlow[None]:
    """Everything that happens to a job, until it is final. Raises ProblemError, Unreachable."""
    subscription = Subscription(job_id, results)
    while not subscription.over:
        yield from _stream(flows, subscription)
        if not subscription.over:
            yield from _poll(flows, subscription, time.monotonic() + POLLED_S)


def _stream(flows: Flows, subscription: Subscription) -> EventFlow[None]:
    """Follow the stream for as long as it works."""
    failures = 0
    while failures < FAILURES:
        began, last = time.monotonic(), subscription.last
        reply = yield Listen(subscription.call())
        if isinstance(reply, httpx.Response):
            if not is_stream(reply):
                if reply.status_code == 400:  # this job has no such event
                    subscription.last = None
                return
            if not (yield from _listen(subscription)) or subscription.over:
                return
        elif isinstance(reply, httpx.ReadTimeout):
            return
        else:  # a gateway that restarts is waited for, as the retry policy allows
            yield from flows.job(subscription.job_id)
        held = subscription.last != last or time.monotonic() - began >= CALM_S
        failures = 0 if held else failures + 1
        yield Pause(random.uniform(0.1, 0.2) * 2**failures)


def _listen(subscription: Subscription) -> EventFlow[bool]:
    """Yield one connection's events until it ends; return whether there were any."""
    heard = False
    while isinstance(sse := (yield Next()), ServerSentEvent):
        heard = True
        event = read_event(sse)
        if isinstance(event, ResultEvent):
            event.data = subscription.new(event.data)
        if isinstance(event, CompletedEvent):
            subscription.over = True
        if event and not (isinstance(event, ResultEvent) and not event.data):
            yield event
        subscription.last = sse.id or subscription.last
        if subscription.over:
            break
    return heard


def _poll(flows: Flows, subscription: Subscription, until: float) -> EventFlow[None]:
    """Poll a job, for want of a stream, until a time of the monotonic clock; yield its events."""
    while not subscription.over and time.monotonic() < until:
        began = time.monotonic()
        job = yield from flows.job(subscription.job_id, PROGRESS_S)
        yield ProgressEvent.of(job)
        if subscription.results:
            yield from _read_results(flows, subscription)
        if job.state.final:
            subscription.over = True
            yield CompletedEvent(job=job)
        else:
            yield Pause(max(0.0, began + PROGRESS_S - time.monotonic()))


def _read_results(flows: Flows, subscription: Subscription) -> EventFlow[None]:
    """Yield the results that are known by now and were not reported."""
    cursor: int | None = subscription.first_unreported
    while cursor is not None:
        page = yield from flows.known(subscription.job_id, cursor)
        if fresh := subscription.new(page.data):
            yield ResultEvent(data=fresh)
        cursor = None if page.next_cursor == cursor else page.next_cursor
