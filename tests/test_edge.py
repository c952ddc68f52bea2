"""The edge of a real gateway on raw sockets: deadlines, caps, the Host guard, and honest clients beside."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import psutil
import pytest

from worker.embedded import free_port

from conftest import Services

POST = b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
SHORT = {
    "INKQUEUE_HEAD_S": "1",
    "INKQUEUE_BODY_S": "1",
    "INKQUEUE_STALL_S": "1",
    "INKQUEUE_KEEP_ALIVE_S": "1",
}
SLACK_S = 3.0
"""What a busy machine may add to a deadline."""


@pytest.fixture(scope="module")
def gateways(services: Services) -> Iterator[ExitStack]:
    """Where further gateways end."""
    with ExitStack() as stack:
        yield stack


def another(stack: ExitStack, services: Services, settings: dict[str, str]) -> Services:
    """One more gateway on the Redis of `services`."""
    port = free_port()
    environment = services.environment | {"INKQUEUE_PORT": str(port)} | settings
    other = Services(services.redis_url, f"http://127.0.0.1:{port}", environment)
    stack.callback(other.stop)
    other.wait_answering(other.spawn("api"))
    return other


@pytest.fixture(scope="module")
def short(gateways: ExitStack, services: Services) -> Services:
    """A gateway of little patience."""
    return another(gateways, services, SHORT)


@pytest.fixture(scope="module")
def narrow(gateways: ExitStack, services: Services) -> Services:
    """A gateway of few connections."""
    caps = {"INKQUEUE_MAX_CONNECTIONS": "8", "INKQUEUE_MAX_CONNECTIONS_PER_ADDRESS": "3"}
    return another(gateways, services, caps | {"INKQUEUE_TRUSTED_PROXIES": "127.0.0.9, 10.0.0.0/8"})


def wait_until_free(services: Services) -> None:
    """Until the gateway has noticed that earlier connections are gone."""
    gateway = psutil.Process(services.processes[0].pid)
    end = time.monotonic() + 10
    while any(
        each.status == "ESTABLISHED" and each.laddr.port == port(services)
        for each in gateway.net_connections()
    ):
        assert time.monotonic() < end
        time.sleep(0.02)


def port(services: Services) -> int:
    return httpx.URL(services.url).port or 0
