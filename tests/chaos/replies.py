"""What gateways answer: the results as stored, planned refusals only, and nothing to other owners."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import httpx
import orjson

from .evidence import Accepted, Reading
from .look import Look

PLANNED = (
    "storage-unavailable",
    "storage-unsafe",
    "memory-full",
    "no-resources",
    "not-ready",
    "queue-full",
    "too-many-clients",
    "too-many-documents",
)
"""The only problems that may come with a 503, each with Retry-After."""

TRIES, PAUSE_S = 5, 0.5
"""How often, and how many seconds apart, a gateway is asked until a planned 503 counts as its answer."""

ROUTES = ("", "/results", "/events", "/items/0", "/items/0/image", "/deliveries")


def told_wrong(look: Look) -> Iterator[str]:
    """The gateways give the same results, each image once and in order."""
    for number, each in enumerate(look.jobs):
        gateway = look.system.gateways[number % len(look.system.gateways)]
        try:
            with look.http(gateway, each.job.owner) as http:
                answer = _asked_again(http, f"/v1/jobs/{each.job.id}/results?format=ndjson")
        except httpx.TransportError as error:
            yield f"lost: {gateway} does not tell the results of job {each.job.id}: {error!r}"
            continue
        if answer.status_code == 200:
            yield from _compare(each.job, [orjson.loads(line) for line in answer.content.splitlines()])
        else:
            yield f"lost: {gateway} answers {answer.status_code} for the results of job {each.job.id}"


def _asked_again(http: httpx.Client, path: str) -> httpx.Response:
    """The answer, or the last of TRIES if each is a planned 503. Raises httpx.TransportError."""
    for _ in range(TRIES - 1):
        with suppress(httpx.TransportError):
            answer = http.get(path)
            if not _is_planned(answer):
                return answer
        time.sleep(PAUSE_S)
    return http.get(path)


def _is_planned(answer: httpx.Response) -> bool:
    """Whether it is a 503 of a PLANNED kind, with Retry-After."""
    says_when = answer.status_code == 503 and "retry-after" in answer.headers
    return says_when and answer.json()["type"].removeprefix("/problems/") in PLANNED


def _compare(job: Accepted, items: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if [item["index"] for item in items] != list(range(len(job.expected))):
        yield f"lost: job {job.id} tells {len(items)} results, not one for each of {len(job.expected)}"
        return
    for item, expected in zip(items, job.expected, strict=True):
        if item["status"] == "canceled" and job.canceled:
            continue
        if item["status"] not in ("succeeded", "failed"):
            yield f"lost: job {job.id}, image {item['index']} is told to be {item['status']}"
        elif expected and (how := expected.differs(Reading.of(item))):
            yield f"wrong: job {job.id}, image {item['index']} as told {how}"


def unplanned(look: Look) -> Iterator[str]:
    """There is no answer of 500 or more except the planned 503, which say when to retry."""
    for (status, kind, comes_back), number in look.evidence.answers.items():
        if status >= 500 and (status != 503 or kind not in PLANNED):
            yield f"unplanned: {number} answers of {status} {kind}"
        elif status == 503 and not comes_back:
            yield f"unplanned: {number} answers of 503 {kind} without Retry-After"


def exposed(look: Look) -> Iterator[str]:
    """For any other owner, a job looks as if it had never existed."""
    owners = list(look.system.keys)
    for number, each in enumerate(look.jobs):
        others = [owner for owner in owners if owner != each.job.owner]
        if not others:
            continue
        gateway = look.system.gateways[number % len(look.system.gateways)]
        with look.http(gateway, others[number % len(others)]) as http:
            for route in ROUTES:
                path, nowhere = f"/v1/jobs/{each.job.id}", f"/v1/jobs/{'x' * len(each.job.id)}"
                (status, theirs), nobodys = _refusal(http, path + route), _refusal(http, nowhere + route)
                same = (404, theirs.replace(path.encode(), nowhere.encode())) == nobodys
                if status != 404 or not same:
                    yield f"exposed: {route or 'the job'} of {each.job.id} answers {status}"


def _refusal(http: httpx.Client, path: str) -> tuple[int, bytes]:
    """The status and, if it is a refusal, the body; any other answer may be an endless stream."""
    with http.stream("GET", path) as answer:
        return answer.status_code, answer.read() if answer.is_error else b""
