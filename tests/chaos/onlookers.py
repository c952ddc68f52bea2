"""Clients that ask a gateway again and again while something is done to it, and note every answer."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from waiting import meanwhile

PAUSE_S = 0.05
Question = tuple[str, str, Mapping[str, Any]]
"""Method, path, and further arguments for httpx."""

REFUSED = "refused"
"""What is noted instead of a problem's type if the connection is refused or cut."""


@dataclass(frozen=True)
class Seen:
    """One answer: when it came (monotonic), how long it took, and its content."""

    at: float
    took_s: float
    status: int
    kind: str
    retry_after: str | None


@dataclass
class Onlooker:
    """Asks the same thing over and over. `accepted` are the jobs that it was told are stored."""

    http: httpx.Client
    method: str
    path: str
    request: Mapping[str, Any]
    seen: list[Seen] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)

    def look(self) -> None:
        """Ask, and note the answer."""
        self.seen.append(self._ask())

    def _ask(self) -> Seen:
        began = time.monotonic()
        try:
            answer = self.http.request(self.method, self.path, **self.request)
        except httpx.TransportError:
            return Seen(time.monotonic(), time.monotonic() - began, 0, REFUSED, None)
        kind, now = "", time.monotonic()
        if answer.status_code == 202:
            self.accepted.append(answer.json()["id"])
        if answer.headers.get("content-type", "").startswith("application/problem+json"):
            kind = answer.json()["type"].removeprefix("/problems/")
        return Seen(now, now - began, answer.status_code, kind, answer.headers.get("retry-after"))


@contextmanager
def onlookers(url: str, *requests: Question) -> Iterator[Sequence[Onlooker]]:
    """Run an onlooker for each request, until the block ends."""
    with ExitStack() as stack:
        clients = [stack.enter_context(httpx.Client(base_url=url, timeout=60)) for _ in requests]
        found = [Onlooker(http, *each) for http, each in zip(clients, requests, strict=True)]
        for each in found:
            stack.enter_context(meanwhile(each.look, PAUSE_S))
        yield found
