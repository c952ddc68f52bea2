"""How a case asks: with a request on a socket of its own, whose answer must be sound in any case."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from api.problems import CATALOGUE

from .cases import Ask
from .stage import Stage
from wire import Answer, Wire

Body = bytes | Callable[[], bytes]
Fields = Mapping[str, str]

LONGEST = 4096
"""The most bytes of a problem."""


def message(method: str, path: str, fields: Fields, body: bytes = b"") -> bytes:
    """A request as bytes on the wire."""
    own = {"Host": "localhost"} | ({"Content-Length": str(len(body))} if body else {})
    lines = [
        f"{method} {path} HTTP/1.1",
        *(f"{name}: {value}" for name, value in (own | fields).items()),
    ]
    return "\r\n".join([*lines, "\r\n"]).encode("latin-1") + body


def talk(url: str, data: bytes) -> Answer:
    """The answer to a whole request; it must be sound, and leave the connection usable or closed."""
    with Wire(url) as wire:
        answer = wire.send(data).answer()
        require_sound(answer)
        if answer.headers.get("connection") == "close":
            assert wire.is_closed()
        else:
            assert wire.get("/healthz").answer().status == 200
        return answer


def require_sound(answer: Answer) -> None:
    """Assert that an answer is no fault of ours, and has sound headers; a refusal needs a sound
    problem."""
    assert answer.status < 500 or answer.status == 503, answer
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "server" not in answer.headers
    assert "x-injected" not in answer.headers
    if answer.status >= 400:
        require_problem(answer)


def require_problem(answer: Answer) -> None:
    """Assert that a refusal is a problem (RFC 9457) of the catalogue, short and helpful."""
    problem = answer.problem
    assert (problem["status"], problem["title"]) == CATALOGUE[answer.slug]
    assert problem["instance"].startswith("/")
    assert len(answer.body) <= LONGEST
    assert len(problem["detail"]) > 10
    assert "Traceback" not in problem["detail"]
    if answer.status in (429, 503):
        assert int(answer.headers["retry-after"]) >= 1


def outcome(answer: Answer) -> str:
    """An answer as a case has it: the status, and the type of a problem."""
    return f"{answer.status} {answer.slug}" if answer.status >= 400 else str(answer.status)


def asked(
    method: str, path: str, fields: Fields | None = None, body: Body = b"", at: str = "plain"
) -> Ask:
    """A request to one of the gateways; `{job}` in its path is the id of a finished job."""

    def ask(stage: Stage) -> str:
        data = body() if callable(body) else body
        whole = path.replace("{job}", stage.job) if "{job}" in path else path
        return outcome(talk(stage.url(at), message(method, whole, fields or {}, data)))

    return ask


def got(path: str, at: str = "plain", **fields: str) -> Ask:
    """A GET; names of `fields` have underscores for hyphens."""
    return asked("GET", path, {name.replace("_", "-"): value for name, value in fields.items()}, at=at)


def uploaded(kind: str, body: Body, path: str = "/v1/jobs", at: str = "plain", **fields: str) -> Ask:
    """A POST of a job."""
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    return asked("POST", path, ({"Content-Type": kind} if kind else {}) | named, body, at)


def told(path: str, body: object, method: str = "POST", at: str = "plain") -> Ask:
    """A request with a small JSON body."""
    return asked(method, path, {"Content-Type": "application/json"}, json.dumps(body).encode(), at)


def sent(data: Body, at: str = "plain") -> Ask:
    """Send bytes that no library would send; the answer must close the connection."""

    def ask(stage: Stage) -> str:
        with Wire(stage.url(at)) as wire:
            answer = wire.send(data() if callable(data) else data).answer()
            require_sound(answer)
            assert answer.headers["connection"] == "close"
            assert wire.is_closed()
            return outcome(answer)

    return ask


def submit(stage: Stage, kind: str, body: bytes, query: str = "") -> dict[str, Any]:
    """Submit a job and wait for it; return it."""
    fields = {"Content-Type": kind, "Prefer": "wait=30"}
    answer = talk(stage.url("plain"), message("POST", f"/v1/jobs{query}", fields, body))
    job: dict[str, Any] = json.loads(answer.body)
    assert answer.status == 200, job
    return job


def results(stage: Stage, job: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The results of a job."""
    answer = talk(stage.url("plain"), message("GET", f"/v1/jobs/{job['id']}/results", {}))
    found: list[dict[str, Any]] = json.loads(answer.body)["data"]
    return found
