"""Event streams as tests read them: every event of a connection, with its id and when it came."""

import asyncio
import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
from httpx_sse import EventSource, ServerSentEvent

from metrics import figures


@dataclass(frozen=True)
class Told:
    """One event; `id` is its own, '' if it has none."""

    kind: str
    id: str
    data: Any
    at: float


@contextlib.contextmanager
def listening(
    http: httpx.Client, job: str, after: str = "", **query: str
) -> Iterator[tuple[httpx.Response, Iterator[Told]]]:
    """The answer, and its events as they come."""
    headers = {"Last-Event-ID": after} if after else {}
    with http.stream("GET", f"/v1/jobs/{job}/events", params=query, headers=headers) as answer:
        yield answer, _told(answer)


def told(http: httpx.Client, job: str, after: str = "", **query: str) -> list[Told]:
    """Every event until the stream ends."""
    with listening(http, job, after, **query) as (answer, events):
        assert answer.status_code == 200, answer.read()
        return list(events)


def refused(http: httpx.Client, job: str, after: str = "", **query: str) -> httpx.Response:
    """The answer if a stream is refused."""
    with listening(http, job, after, **query) as (answer, _):
        answer.read()
        return answer


def indices(events: list[Told]) -> list[int]:
    """The images whose results came, in the order in which they came."""
    return [item["index"] for event in events if event.kind == "result" for item in event.data["data"]]


def open_streams(http: httpx.Client) -> float:
    """How many event streams the gateway has open."""
    return figures(http)["inkqueue_event_streams"]


@dataclass
class Follower:
    """What one reader got: ids of events, images with results, and how often it was cut off."""

    ids: list[str] = field(default_factory=list)
    images: list[int] = field(default_factory=list)
    cuts: int = 0
    over: bool = False

    def hear(self, event: ServerSentEvent) -> None:
        """Note an event."""
        if event.event in ("result", "completed"):
            self.ids.append(event.id)
        if event.event == "result":
            self.images += [item["index"] for item in json.loads(event.data)["data"]]
        self.over |= event.event == "completed"


async def follow_all(url: str, jobs: list[str], seconds: float = 120) -> list[Follower]:
    """Follow all jobs at once, each to its end, resuming after the last id whenever a stream is cut.
    Raises TimeoutError."""
    followers = [Follower() for _ in jobs]
    await follow_into(url, jobs, followers, seconds)
    return followers


async def follow_into(url: str, jobs: list[str], followers: list[Follower], seconds: float) -> None:
    """The same, into followers that others may look at meanwhile."""
    limits = httpx.Limits(max_connections=None)
    async with (
        asyncio.timeout(seconds),
        httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as http,
    ):
        pairs = zip(jobs, followers, strict=True)
        await asyncio.gather(*(_follow(http, job, follower) for job, follower in pairs))


async def _follow(http: httpx.AsyncClient, job: str, follower: Follower) -> None:
    while not follower.over:
        headers = {"Last-Event-ID": follower.ids[-1]} if follower.ids else {}
        try:
            async with http.stream("GET", f"/v1/jobs/{job}/events", headers=headers) as answer:
                assert answer.status_code == 200, await answer.aread()
                async for event in EventSource(answer).aiter_sse():
                    follower.hear(event)
        except httpx.TransportError:
            follower.cuts += 1
            await asyncio.sleep(0.1)


def _told(answer: httpx.Response) -> Iterator[Told]:
    before = ""
    for each in EventSource(answer).iter_sse():
        if each.data:
            own = each.id if each.id != before else ""
            before = each.id
            yield Told(each.event, own, json.loads(each.data), time.monotonic())
