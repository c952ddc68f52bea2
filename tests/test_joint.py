"""Gateways that share a port: whoever answers, figures, caps and events are those of all."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest

from metrics import figures
from samples import glyphs, npy_of
from services import Services, running_services
from waiting import until

NPY = {"Content-Type": "application/x-npy"}
CLIENTS, MOST = 24, 3


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Two gateways on one port, and no worker."""
    folder, figures = tmp_path_factory.mktemp("shared"), tmp_path_factory.mktemp("figures")
    settings = {"INKQUEUE_SHARE_PORT": "true", "INKQUEUE_MAX_OPEN": str(MOST)}
    with running_services(folder, **settings, PROMETHEUS_MULTIPROC_DIR=str(figures)) as running:
        for gateway in [running.spawn("api"), running.spawn("api")]:
            wait_listening(gateway)
        yield running


def wait_listening(gateway: "subprocess.Popen[bytes]") -> None:
    while not any(link.status == "LISTEN" for link in psutil.Process(gateway.pid).net_connections()):
        assert gateway.poll() is None
        time.sleep(0.05)


@pytest.fixture
def clients(shared: Services) -> Iterator[list[tuple[httpx.Client, int]]]:
    """Clients, each with a connection of its own, and by which gateway it is served."""
    with ExitStack() as stack:
        made = [stack.enter_context(httpx.Client(base_url=shared.url)) for _ in range(CLIENTS)]
        ports = [_own_port(client.get("/v1/models")) for client in made]
        served = {
            link.raddr.port: each.pid
            for each in shared.processes
            if each.poll() is None
            for link in psutil.Process(each.pid).net_connections("tcp4")
            if link.raddr
        }
        yield [(client, served[port]) for client, port in zip(made, ports, strict=True)]


def _own_port(answer: httpx.Response) -> int:
    return int(answer.extensions["network_stream"].get_extra_info("client_addr")[1])


def figure(client: httpx.Client, name: str) -> float:
    return figures(client).get(name, 0.0)


def test_each_has_its_share_and_tells_of_all(clients: list[tuple[httpx.Client, int]]) -> None:
    assert len(Counter(pid for _, pid in clients)) == 2
    name = 'inkqueue_http_requests_total{method="GET",route="/v1/models",status="200"}'
    until(lambda: figure(clients[0][0], name) == CLIENTS)  # soon after the answer
    assert {figure(client, name) for client, _ in clients} == {CLIENTS}


def test_caps_events_and_what_is_open_are_of_all(
    shared: Services, clients: list[tuple[httpx.Client, int]], rng: np.random.Generator
) -> None:
    body = npy_of(glyphs(2, rng))
    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(lambda one: one[0].post("/v1/jobs", content=body, headers=NPY), clients))
    assert Counter(each.status_code for each in answers) == {202: MOST, 429: CLIENTS - MOST}
    job, another, _ = (each.headers["location"] for each in answers if each.status_code == 202)
    (here, pid), (there, _) = clients[0], next(one for one in clients if one[1] != clients[0][1])
    with here.stream("GET", f"{job}/events") as events:
        lines = events.iter_lines()
        assert next(line for line in lines if line.startswith("event: ")) == "event: progress"
        assert figure(there, "inkqueue_event_streams") == 1
        assert there.post(f"{job}/cancel").status_code == 200
        assert "event: completed" in list(lines)  # to the end: the link to this gateway is kept
    with here.stream("GET", f"{another}/events"), suppress(httpx.TransportError):
        gateway = psutil.Process(pid)
        gateway.kill()
        gateway.wait()  # or it would be found among the living
        wait_listening(shared.spawn("api"))
    until(lambda: figure(there, "inkqueue_event_streams") == 0)


def test_one_in_the_place_of_a_dead_one_goes_on_counting_in_its_files(shared: Services) -> None:
    def counted() -> float:
        with httpx.Client(base_url=shared.url) as client:
            return figure(client, name)

    name = 'inkqueue_http_requests_total{method="GET",route="/healthz",status="200"}'
    for number in range(1, 3):
        httpx.get(f"{shared.url}/healthz")
        until(lambda number=number: counted() == number)  # soon after the answer
        victim = next(each for each in shared.processes if each.poll() is None)
        victim.kill()
        victim.wait()
        wait_listening(shared.spawn("api"))
        assert counted() == number
    files = Path(shared.environment["PROMETHEUS_MULTIPROC_DIR"]).glob("*.db")
    assert {each.stem.rpartition("_")[2] for each in files} == {"1", "2"}


def test_a_gateway_says_in_a_line_that_it_cannot_keep_figures(shared: Services, tmp_path: Path) -> None:
    folder = tmp_path / "missing"
    environment = os.environ | shared.environment | {"PROMETHEUS_MULTIPROC_DIR": str(folder)}
    command = [sys.executable, "-m", "api"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"gateway: PROMETHEUS_MULTIPROC_DIR: [Errno 2] No such file or directory: '{folder}/1.lock'"
    ]
