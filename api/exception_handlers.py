"""The application's exception handlers: whatever a route raises is answered with a problem."""

import errno
import logging
from typing import Any

import redis
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from worker.ledger.store import JobGone

from .missing_jobs import absence
from .problems import METHODS, Problem, shortened
from .spellings import reason

log = logging.getLogger(__name__)

EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOSPC, errno.EDQUOT, errno.ENOMEM}
"""Errors by which the system says that it has run out of something, for now."""


def install(app: FastAPI) -> None:
    """Let `app` answer every failure with a problem."""
    for kind, translate in (
        (Problem, lambda error: error),
        (RequestValidationError, _invalid),
        (HTTPException, _http),
        (JobGone, lambda error: absence(error.left)),
        (redis.RedisError, _storage),
        (OSError, _resources),
        (RuntimeError, _threads),
        (MemoryError, _exhausted),
        (ClientDisconnect, lambda _: Problem("malformed-request", "The connection was closed.")),
        (Exception, _internal),
    ):
        app.add_exception_handler(kind, _handler(translate))


def _handler(translate: Any) -> Any:
    async def handle(request: Request, error: Exception) -> Response:
        problem: Problem = translate(error)
        if problem.slug == "method-not-allowed":
            problem.headers["Allow"] = _allowed(request)
        return problem.response(request.scope["raw_path"].decode("latin-1"))

    return handle


def _allowed(request: Request) -> str:
    """All methods of an address; each of its routes knows only its own."""
    routes = request.app.routes
    allowed = [
        method
        for method in METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    ]
    return ", ".join(["HEAD", *allowed] if "GET" in allowed else allowed)


def _invalid(error: RequestValidationError) -> Problem:
    errors = [
        {
            "parameter": shortened(".".join(map(str, each["loc"][1:])) or str(each["loc"][0])),
            "detail": shortened(reason(each)),
        }
        for each in error.errors()[:5]
    ]
    first = errors[0]
    return Problem("invalid-parameter", f"{first['parameter']}: {first['detail']}", errors=errors)


def _http(error: HTTPException) -> Problem:
    if error.status_code == 404:
        return Problem("not-found", "No such address; /docs lists them all.")
    if error.status_code == 405:
        return Problem("method-not-allowed", "Use one of the methods in the Allow header.")
    return Problem("malformed-request", str(error.detail))


def _storage(error: redis.RedisError) -> Problem:
    cause = str(error).rpartition("caused error: ")[2]  # the command precedes it, images included
    log.warning("redis: %s: %s", type(error).__name__, cause)
    return Problem("storage-unavailable", "Nothing was lost; try again shortly.", retry_after=2)


def _resources(error: OSError) -> Problem:
    return _exhausted(error) if error.errno in EXHAUSTED else _internal(error)


def _threads(error: RuntimeError) -> Problem:
    return _exhausted(error) if str(error) == "can't start new thread" else _internal(error)


def _exhausted(error: Exception) -> Problem:
    log.warning("no resources: %s", str(error) or type(error).__name__)
    detail = "The gateway has run out of open files, disk, memory or threads; try again shortly."
    return Problem("no-resources", detail, retry_after=5)


def _internal(error: Exception) -> Problem:
    log.exception("unexpected", exc_info=error)
    return Problem("internal-error", "The fault is ours and was logged; tell whoever runs this.")
