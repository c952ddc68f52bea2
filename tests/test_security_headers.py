"""The headers of every answer: of every route, of every kind of refusal, and of what fails."""

from pathlib import Path

import httpx
import numpy as np
import pytest
import redis

from api.security_headers import SAFETY, guarded
from worker.ledger import keys

from jobs import finished
from routes import Probe, probes
from samples import pngs
from services import Services
from wire import GET, ask

PNG = {"Content-Type": "image/png"}
PAGES = {"/", "/upload", "/jobs/{job_id}", "/docs"}
KEPT = "/static/{digest}/{path:path}"
TOLD = {"server", "x-powered-by", "via", "access-control-allow-origin", "set-cookie"}
NOTHING = "default-src 'none'; frame-ancestors 'none'"


@pytest.fixture
def job(http: httpx.Client, rng: np.random.Generator) -> str:
    return finished(http, pngs(1, rng)[0], "image/png", keep_images=True)


@pytest.fixture
def everywhere(http: httpx.Client, job: str) -> list[Probe]:
    """Requests for every route, that are answered, that are refused, and for what is known already."""
    hook, delivery = "wh_" + "0" * 32, "msg_" + "0" * 40
    found = [each for each in probes(job, hook, delivery) if each.method != "DELETE"]
    known = [("If-None-Match", http.get(path).headers["etag"]) for path in ("/", f"/v1/jobs/{job}")]
    found.append(Probe("GET", "/", "/", headers=(known[0],)))
    found.append(Probe("GET", "/v1/jobs/{job_id}", f"/v1/jobs/{job}", headers=(known[1],)))
    return [*found, *probes("job_none", hook, delivery)]


def test_every_answer_is_guarded(http: httpx.Client, everywhere: list[Probe]) -> None:
    answers = [(probe, probe.send(http)) for probe in everywhere]
    for probe, answer in answers:
        headers = answer.headers
        assert headers["x-content-type-options"] == "nosniff", probe
        assert headers["referrer-policy"] == "no-referrer", probe
        assert headers["cross-origin-resource-policy"] == "same-origin", probe
        assert not TOLD & headers.keys(), probe
        policy = headers["content-security-policy"].split("; ")
        assert {"default-src 'none'", "frame-ancestors 'none'"} <= set(policy), probe
        for name in ("cache-control", "content-security-policy"):
            assert len(headers.get_list(name)) == 1, probe
        if probe.route in PAGES:
            assert "unsafe" not in headers["content-security-policy"]
            assert "*" not in headers["content-security-policy"]
        elif probe.route != KEPT:
            assert headers["cache-control"] == "no-store", probe
            assert headers["content-security-policy"].startswith(NOTHING), probe
    assert {answer.status_code // 100 for _, answer in answers} >= {2, 3, 4}


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"nonsense\r\n\r\n",
        GET + b"X: " + b"x" * 40_000 + b"\r\n\r\n",
        b"GET /" + b"x" * 40_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n",
    ],
)
def test_what_the_edge_refuses_is_guarded(services: Services, request_: bytes) -> None:
    require_plain(ask(services.url, request_).headers)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/nowhere"), ("TRACE", "/v1/jobs"), ("OPTIONS", "/v1/jobs"), ("DELETE", "/metrics")],
)
def test_what_no_route_takes_is_guarded(http: httpx.Client, method: str, path: str) -> None:
    answer = http.request(method, path, headers={"Origin": "https://a.example"})
    assert answer.status_code in (404, 405)
    require_plain(answer.headers)
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_what_fails_here_is_guarded_and_tells_nothing(
    http: httpx.Client, services: Services, job: str
) -> None:
    with redis.Redis.from_url(services.redis_url) as client:
        client.set(keys.chunk_names(f"anonymous/{job}", 0), "{broken", keepttl=True)
    answer = http.get(f"/v1/jobs/{job}/results")
    assert answer.status_code == 500
    assert answer.json()["type"] == "/problems/internal-error"
    for word in ("Traceback", "Error", "File", str(Path(__file__).parent.parent)):
        assert word not in answer.json()["detail"]
    require_plain(answer.headers)


def test_an_answer_may_say_otherwise() -> None:
    own = [(b"Cache-Control", b"no-cache"), (b"x-content-type-options", b"nosniff")]
    headers = guarded(own)
    assert headers[:2] == own
    assert len(headers) == len(SAFETY)


def require_plain(headers: httpx.Headers | dict[str, str]) -> None:
    for name, value in SAFETY.items():
        assert headers[name.lower()] == value.lower() or headers[name.lower()] == value
    assert "server" not in headers
