"""ASGI middleware around every answer: counts and times it, and adds the security headers."""

import logging
import time

import redis
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from worker.store import JobGone

from ..problems import Problem
from ..security_headers import guarded
from .metrics import Metrics

log = logging.getLogger(__name__)

UNFINISHED = "ASGI callable returned without completing response."
"""The error that uvicorn logs for an answer that was cut off."""


def tells_more(record: logging.LogRecord) -> bool:
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
        start, status, noted = time.perf_counter(), 500, False

        def note() -> None:
            nonlocal noted
            if not noted:
                noted = True
                route = getattr(scope.get("route"), "path", "none")
                seconds = time.perf_counter() - start
                self._metrics.answered(scope["method"], route, status, seconds)

        async def send_noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if _is_stream(message):
                    note()  # it lasts as long as its job, so its beginning is timed
                message["headers"] = guarded(list(message["headers"]))
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        except RuntimeError as error:  # Starlette's: it is too late to answer with a problem
            if not isinstance(error.__cause__, redis.RedisError | OSError | JobGone | Problem):
                raise
            log.warning("an answer was cut off: %s: %s", type(error.__cause__).__name__, error.__cause__)
        finally:
            note()


def _is_stream(start: Message) -> bool:
    """Whether an answer is an event stream."""
    kinds = (value for name, value in start["headers"] if name == b"content-type")
    return next(kinds, b"").startswith(b"text/event-stream")
