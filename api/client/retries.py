"""Whether and when a call is retried. A submission keeps its Idempotency-Key: never two jobs."""

import random
import time
from dataclasses import dataclass

import httpx

from worker.retry_after import retry_after_s

from .errors import ProblemError

BUSY = frozenset((429, 502, 503, 504))
UNDER_WAY = "/problems/request-in-progress"
"""The answer to a repeated submission whose first sending is still being stored."""

REFUSED = frozenset(
    f"/problems/{slug}"
    for slug in ("queue-full", "memory-full", "storage-unsafe", "too-many-documents", "too-many-clients")
)
"""Problems of status 503 which say that nothing of the call was begun."""

NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout)
HOPELESS = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)


@dataclass(frozen=True)
class RetryPolicy:
    """How long calls are retried after the first failure: `silence_s` without any answer, `busy_s` when
    told to come back later."""

    silence_s: float = 10.0
    busy_s: float = 300.0


class Tries:
    """One call's attempts."""

    def __init__(self, policy: RetryPolicy, repeatable: bool, end: float) -> None:
        """No attempt begins after `end`, by the monotonic clock."""
        self._policy, self._repeatable, self._end = policy, repeatable, end
        self._busy_since: float | None = None
        self._silent_since: float | None = None
        self._failed = 0

    def pause_after(self, reply: httpx.Response | httpx.RequestError) -> float | None:
        """Seconds until the next attempt, or None: `reply` is final."""
        now = time.monotonic()
        self._failed += 1
        if isinstance(reply, httpx.Response):
            self._silent_since = None
            self._busy_since = self._busy_since or now
            pause, end = self._told(reply), self._busy_since + self._policy.busy_s
        else:
            self._silent_since = self._silent_since or now
            pause, end = self._guessed(reply), self._silent_since + self._policy.silence_s
        return pause if pause is not None and now + pause <= min(end, self._end) else None

    def _told(self, response: httpx.Response) -> float | None:
        busy = response.status_code in BUSY or (
            response.status_code == 409 and ProblemError.of(response).type == UNDER_WAY
        )
        if not busy or not (self._repeatable or _never_begun(response)):
            return None
        return retry_after(response) or self._backoff()

    def _guessed(self, error: httpx.RequestError) -> float | None:
        if isinstance(error, HOPELESS) or not (self._repeatable or isinstance(error, NEVER_SENT)):
            return None
        return self._backoff()

    def _backoff(self) -> float:
        return float(min(2.0, 0.1 * 2 ** min(self._failed, 5)) * random.uniform(0.5, 1))


def _never_begun(response: httpx.Response) -> bool:
    """Whether a call was refused before any of it was done."""
    return response.status_code == 429 or ProblemError.of(response).type in REFUSED


def retry_after(response: httpx.Response) -> float | None:
    """The seconds in a response's Retry-After; None if there are none."""
    return retry_after_s(response.headers.get("retry-after"))
