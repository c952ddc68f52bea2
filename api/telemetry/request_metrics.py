"""ASGI middleware around every answer: counts and times it, and adds the security headers."""

import logging
import time

import redis
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from worker.ledger.store import JobGone

from ..problems import Problem
from ..security_headers import guarded
from .metrics import Metrics

log = logging.getLogger(__name__)

UNFINISHED = "ASGI callable returned without completing response."
"""The error that uvicorn logs for an answer that was cut off."""


def without_cut_off_answers(record: logging.LogRecord) -> bool:
    """A filter of uvicorn's log: drops its line about an answer cut off, since ours says more."""
    return record.msg != UNFINISHED


class RequestMetrics:
    """ASGI middleware: counts and times every answer by its route, and adds the security headers. An
    answer that is cut off after it has begun, by Redis, the system, a decoder or the end of its job, is
    logged in one line."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(scope, send, self._metrics)
        try:
            await self._app(scope, receive, answer.send)
        except RuntimeError as error:  # Starlette's: it is too late to answer with a problem
            cause = _cause(error)
            if not isinstance(cause, redis.RedisError | OSError | JobGone | Problem):
                raise
            log.warning("an answer was cut off: %s: %s", type(cause).__name__, cause)
        finally:
            answer.note()


class _Answer:
    """One answer on its way to the client."""

    def __init__(self, scope: Scope, send: Send, metrics: Metrics) -> None:
        self._scope, self._send, self._metrics = scope, send, metrics
        self._start, self._status, self._noted = time.perf_counter(), 500, False

    async def send(self, message: Message) -> None:
        """Send a part of it, its head with the security headers."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            if _is_stream(message):
                self.note()  # it lasts as long as its job, so its beginning is timed
            message["headers"] = guarded(list(message["headers"]))
        await self._send(message)

    def note(self) -> None:
        """Count and time it, once."""
        if not self._noted:
            self._noted = True
            route = getattr(self._scope.get("route"), "path", "none")
            seconds = time.perf_counter() - self._start
            self._metrics.answered(self._scope["method"], route, self._status, seconds)


def _cause(error: BaseException) -> BaseException:
    """What cut an answer off, which each of Starlette's layers has wrapped."""
    while type(error) is RuntimeError and error.__cause__:
        error = error.__cause__
    return error


def _is_stream(start: Message) -> bool:
    """Whether an answer is an event stream."""
    kinds = (value for name, value in start["headers"] if name == b"content-type")
    return next(kinds, b"").startswith(b"text/event-stream")
