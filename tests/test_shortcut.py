"""Routes that are served past FastAPI answer as the others do."""

import asyncio
import errno
import logging
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from api import exception_handlers
from api.problems import Problem
from api.shortcut import QuickRequest, ShortcutApp


def ask(endpoint: Any, method: str = "POST") -> httpx.Response:
    """What an app answers whose one route, `POST /short`, is cut short."""
    app, router = ShortcutApp(), APIRouter()
    router.add_api_route("/short", endpoint, methods=["POST"])
    exception_handlers.install(app)
    app.include_router(router)
    app.cut_short(router)

    async def talk() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as http:
            return await http.request(method, "/short?a=1")

    return asyncio.run(talk())


def raising(error: Exception) -> Any:
    async def endpoint(request: Request) -> Response:
        raise error

    return endpoint


@pytest.mark.parametrize(
    ("error", "status", "slug"),
    [
        (Problem("empty-body", "Send one."), 422, "empty-body"),
        (ClientDisconnect(), 400, "malformed-request"),
        (ConnectionResetError("lost"), 500, "internal-error"),
        (KeyError("x"), 500, "internal-error"),
        (OSError(errno.ENOSPC, "No space left on device"), 503, "no-resources"),
        (RuntimeError("can't start new thread"), 503, "no-resources"),  # as Python says it
        (MemoryError(), 503, "no-resources"),
        (RuntimeError("a bug"), 500, "internal-error"),
    ],
)
def test_what_is_raised_is_a_problem(
    error: Exception, status: int, slug: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = ask(raising(error))
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{slug}")
    assert answer.json()["instance"] == "/short"
    assert ("retry-after" in answer.headers) == (status == 503)
    logged = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert len(logged) == (status == 500)


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "[Errno 28] No space left on device"),
        (MemoryError(), "MemoryError"),
    ],
)
def test_what_has_run_out_is_logged(
    error: Exception, cause: str, caplog: pytest.LogCaptureFixture
) -> None:
    ask(raising(error))
    assert f"no resources: {cause}" in caplog.messages


def test_another_method_is_refused_with_those_there_are() -> None:
    answer = ask(raising(KeyError()), "PUT")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_of_a_field_that_stands_twice_the_first_is_found_by_any_case() -> None:
    fields = [(b"prefer", b"wait=1"), (b"prefer", b"wait=2")]
    headers = QuickRequest({"type": "http", "headers": fields}).headers
    assert headers.get("Prefer") == headers["prefer"] == "wait=1"
    assert (headers.get("accept"), headers.get("accept", "")) == (None, "")
