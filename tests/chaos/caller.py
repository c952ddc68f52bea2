"""A client of the gateway that retries whenever it is told to, and keeps every refusal."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

PATIENCE_S = 15.0
PAUSE_S = 0.05
"""Seconds to a retry, fewer than Retry-After says: what holds for an impatient client holds for all."""


@dataclass(frozen=True)
class Told:
    """The answer to one request; `kind` is the problem's type, '' if there is none."""

    request: str
    status: int
    kind: str
    retry_after: str | None

    @property
    def planned(self) -> bool:
        """Whether it is a planned refusal, which only asks to retry."""
        return self.retry_after is not None and (
            (self.status, self.kind) == (503, "/problems/storage-unavailable")
            or (self.status, self.kind) == (409, "/problems/request-in-progress")
        )


@dataclass
class RetryingCaller:
    """Calls until an answer is final. `told` are all refusals."""

    http: httpx.Client
    told: list[Told] = field(default_factory=list)
    broken: int = 0

    def call(self, method: str, path: str, **request: Any) -> httpx.Response:
        """The final answer: a success, or a refusal that is not planned."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            try:
                answer = self.http.request(method, path, **request)
            except httpx.RemoteProtocolError:  # an answer had begun and could not be finished
                self.broken += 1
                continue
            told = _told(answer)
            if answer.is_success:
                return answer
            self.told.append(told)
            if not told.planned:
                return answer
            time.sleep(PAUSE_S)
        raise AssertionError(f"{method} {path} was never answered: {self.told[-1]}")

    def lines(self, path: str) -> Iterator[str]:
        """The lines of an answer."""
        yield from self.call("GET", path).text.splitlines()


def _told(answer: httpx.Response) -> Told:
    kind = answer.headers.get("content-type", "")
    problem = answer.json()["type"] if kind.startswith("application/problem+json") else ""
    request = f"{answer.request.method} {answer.request.url.path}"
    return Told(request, answer.status_code, problem, answer.headers.get("retry-after"))
