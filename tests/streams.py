"""Event streams as tests read them: every event of a connection, with its id and when it came."""

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
from httpx_sse import EventSource


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
    """The answer and, as they come, its events."""
    headers = {"Last-Event-ID": after} if after else {}
    with http.stream("GET", f"/v1/jobs/{job}/events", params=query, headers=headers) as answer:
        yield answer, _told(answer)


def told(http: httpx.Client, job: str, after: str = "", **query: str) -> list[Told]:
    """Every event until the stream ends."""
    with listening(http, job, after, **query) as (answer, events):
        assert answer.status_code == 200, answer.read()
        return list(events)


def refused(http: httpx.Client, job: str, after: str = "", **query: str) -> httpx.Response:
    """The answer where there is no stream."""
    with listening(http, job, after, **query) as (answer, _):
        answer.read()
        return answer


def indices(events: list[Told]) -> list[int]:
    """The images whose results came, in the order in which they came."""
    return [item["index"] for event in events if event.kind == "result" for item in event.data["data"]]


def _told(answer: httpx.Response) -> Iterator[Told]:
    before = ""
    for each in EventSource(answer).iter_sse():
        if each.data:
            own = each.id if each.id != before else ""
            before = each.id
            yield Told(each.event, own, json.loads(each.data), time.monotonic())
