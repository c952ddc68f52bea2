"""HEAD tells what GET would, and nothing more, whatever is behind it."""

import time

import httpx
import numpy as np
import pytest

from samples import npy_of
from services import Services
from wire import Wire


@pytest.mark.parametrize("path", ["/", "/docs", "/healthz", "/readyz", "/metrics", "/openapi.json"])
def test_it_is_answered_as_get_is(http: httpx.Client, path: str) -> None:
    got, told = http.get(path), http.head(path)
    assert (told.status_code, told.content) == (got.status_code, b"")
    assert told.headers["content-type"] == got.headers["content-type"]


def test_the_connection_goes_on(services: Services) -> None:
    with Wire(services.url) as wire:
        wire.send(b"HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        told = wire._until(b"\r\n\r\n")
        assert told.startswith(b"HTTP/1.1 200 ")
        assert told.endswith(b"\r\n\r\n")
        wire._rest = b""
        assert wire.get("/healthz").answer().status == 200


@pytest.mark.parametrize(
    "what", ["events", "results?format=ndjson&wait=30", "results?format=csv&wait=30"]
)
def test_a_stream_ends_where_it_begins(http: httpx.Client, what: str) -> None:
    blank = npy_of(np.zeros((9, 28, 28), np.uint8))
    job = http.post("/v1/jobs", content=blank, headers={"Content-Type": "application/x-npy"}).json()
    began = time.monotonic()
    assert http.head(f"/v1/jobs/{job['id']}/{what}").status_code == 200
    assert time.monotonic() - began < 10


def test_what_has_no_get_has_no_head(http: httpx.Client) -> None:
    answer = http.head("/v1/predictions")
    assert answer.status_code == 405
    assert "HEAD" not in answer.headers["allow"]
    assert http.delete("/healthz").headers["allow"] == "HEAD, GET"
