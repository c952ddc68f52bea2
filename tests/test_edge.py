"""The edge of a real gateway on raw sockets: deadlines, caps, the Host guard; honest clients beside."""

import resource
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import numpy as np
import psutil
import pytest
import redis

from jobs import posted
from samples import glyphs, npy_of
from services import Services, beside, lone_gateway
from siege import besieged, percentile
from waiting import meanwhile, until
from wire import CHUNKED, GET, POST, Wire, ask

SHORT = {
    "INKQUEUE_HEAD_S": "1",
    "INKQUEUE_BODY_S": "1.5",
    "INKQUEUE_UNREAD_S": "1.5",
    "INKQUEUE_KEEP_ALIVE_S": "1",
    "INKQUEUE_ALLOWED_HOSTS": "ink.example.org, *.example.net",
}
CAPS = {
    "INKQUEUE_MAX_CONNECTIONS": "8",
    "INKQUEUE_MAX_CONNECTIONS_PER_ADDRESS": "3",
    "INKQUEUE_TRUSTED_PROXIES": "127.0.0.9, 10.0.0.0/8",
}
SLACK_S = 8.0
"""What a busy machine may add to a deadline; the deadlines that are there by default are later."""

MB = 1 << 20


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A gateway as it is by default, and no worker: jobs stay as they are."""
    with lone_gateway(tmp_path_factory.mktemp("edge")) as running:
        yield running


@pytest.fixture(scope="module")
def gateways(services: Services) -> Iterator[tuple[Services, Services]]:
    """A gateway of little patience and one of few connections, on the same Redis."""
    with beside(services, **SHORT) as short, beside(services, **CAPS) as narrow:
        yield short, narrow


@pytest.fixture
def short(gateways: tuple[Services, Services]) -> str:
    """Where little patience is."""
    return gateways[0].url


@pytest.fixture
def narrow(gateways: tuple[Services, Services]) -> Iterator[str]:
    """Where few connections are, all of them free."""
    yield gateways[1].url
    gateway = psutil.Process(gateways[1].processes[0].pid)
    place = httpx.URL(gateways[1].url).port
    until(lambda: place not in [each.laddr.port for each in gateway.net_connections() if each.raddr])


def staged(services: Services) -> list[bytes]:
    with redis.Redis.from_url(services.redis_url) as client:
        return list(client.scan_iter("ink:stage:*"))


@contextmanager
def growth(services: Services) -> Iterator[list[int]]:
    """By how many bytes the gateway's resident memory grows, looked at all the time."""
    gateway, grown = psutil.Process(services.processes[0].pid), [0]
    before = gateway.memory_info().rss
    with meanwhile(lambda: grown.append(gateway.memory_info().rss - before), 0.005):
        yield grown


@pytest.fixture
def job(services: Services, rng: np.random.Generator) -> str:
    """A job that can be waited for."""
    with httpx.Client(base_url=services.url) as http:
        return posted(http, npy_of(glyphs(1, rng)), "application/x-npy")


def trickle(wire: Wire, start: float, pace: float = 0.1) -> float:
    """Send a byte now and then until an answer comes; seconds from `start` to it."""
    wire.socket.settimeout(pace)
    while time.monotonic() - start < 20:
        wire.send(b"x")
        try:
            if wire.socket.recv(1, socket.MSG_PEEK):
                wire.socket.settimeout(10)
                return time.monotonic() - start
        except TimeoutError:
            pass
    raise TimeoutError


class TestDeadlines:
    def test_a_silent_connection_is_closed_without_a_word(self, short: str) -> None:
        start = time.monotonic()
        with Wire(short) as wire:
            assert 0.8 < wire.closed_after(start) < 1 + SLACK_S

    @pytest.mark.parametrize("first", [b"", GET + b"\r\n"], ids=["the first", "the second"])
    def test_a_head_has_its_time_in_all(self, short: str, first: bytes) -> None:
        with Wire(short) as wire:
            if first:
                assert wire.send(first).answer().status == 200
            start = time.monotonic()
            wire.send(GET + b"X-Slow: ")
            assert 0.8 < trickle(wire, start) < 1 + SLACK_S
            assert (answer := wire.answer()).status == 408
            assert answer.slug == "request-timeout"
            assert answer.headers["connection"] == "close"
            assert wire.is_closed()

    @pytest.mark.parametrize("head", [POST + b"Content-Length: 99999\r\n\r\n", CHUNKED + b"fffff\r\n"])
    def test_a_body_that_trickles_is_ended(self, short: str, services: Services, head: bytes) -> None:
        with Wire(short) as wire:
            start = time.monotonic()
            wire.send(head)
            assert 1.3 < trickle(wire, start) < 1.5 + SLACK_S
            assert wire.answer().slug == "request-timeout"
            assert wire.is_closed()
        assert staged(services) == []

    def test_a_body_that_stops_is_ended(self, short: str) -> None:
        start = time.monotonic()
        assert ask(short, POST + b"Content-Length: 9999\r\n\r\n" + bytes(5000)).status == 408
        assert 1.3 < time.monotonic() - start < 1.5 + SLACK_S

    def test_a_slow_but_honest_upload_passes(self, short: str, rng: np.random.Generator) -> None:
        data = npy_of(glyphs(30, rng))
        head = POST.replace(b"image/png", b"application/x-npy")
        with Wire(short) as wire:
            wire.send(head + b"Content-Length: %d\r\n\r\n" % len(data))
            start = time.monotonic()
            for at in range(0, len(data), 750):
                wire.send(data[at : at + 750])
                time.sleep(0.1)
            assert time.monotonic() - start > 3  # two times the deadline
            assert wire.answer().status == 202

    @pytest.mark.parametrize("after", [b"", b"\r\n"], ids=["silence", "line breaks"])
    def test_a_connection_between_requests_is_closed(self, short: str, after: bytes) -> None:
        with Wire(short) as wire:
            assert wire.get("/healthz").answer().status == 200
            start = time.monotonic()
            assert wire.send(after).closed_after(start) < 1 + SLACK_S

    def test_the_rest_of_a_refused_body_is_not_awaited_for_long(self, short: str) -> None:
        with Wire(short) as wire:
            head = POST.replace(b"image/png", b"text/plain") + b"Content-Length: 99999\r\n\r\n"
            assert wire.send(head).answer().status == 415
            start = time.monotonic()
            wire.send(bytes(10_000))
            assert wire.closed_after(start) < 1.5 + SLACK_S

    def test_a_reader_that_reads_nothing_is_cut_off(self, short: str) -> None:
        with Wire(short, window=4096) as wire:
            for _ in range(16):
                wire.get("/openapi.json")
            until(lambda: not wire.established, 3 + SLACK_S)
        assert 'problem="unread-answer"} ' in httpx.get(f"{short}/metrics").text

    def test_a_reader_that_reads_slowly_gets_everything(self, short: str) -> None:
        whole = httpx.get(f"{short}/openapi.json").content
        with Wire(short, window=4096) as wire:
            for _ in range(8):
                wire.get("/openapi.json")
            start = time.monotonic()
            while time.monotonic() - start < 3:  # two times the deadline
                wire.read(4000)
                time.sleep(0.1)
            assert [wire.answer().body for _ in range(8)] == [whole] * 8


class TestNames:
    @pytest.mark.parametrize(
        ("host", "status"),
        [
            ("ink.example.org:99", 200),
            ("a.b.EXAMPLE.net", 200),
            ("example.net", 421),
            ("b.example.org", 421),
        ],
    )
    def test_the_setting_lists_names(self, short: str, host: str, status: int) -> None:
        assert httpx.get(f"{short}/healthz", headers={"Host": host}).status_code == status


class TestCaps:
    def test_one_address_has_so_many_connections(self, narrow: str) -> None:
        with ExitStack() as stack:
            wires = [stack.enter_context(Wire(narrow)) for _ in range(3)]
            assert [wire.get("/healthz").answer().status for wire in wires] == [200] * 3
            refused = ask(narrow, b"")
            assert (refused.status, refused.slug) == (429, "too-many-connections")
            assert refused.problem["limit"] == 3
            assert int(refused.headers["retry-after"]) >= 1
            with Wire(narrow, "127.0.0.2") as other:
                assert other.get("/healthz").answer().status == 200
            wires[0].socket.close()
            until(lambda: ask(narrow, GET + b"Connection: close\r\n\r\n").status == 200)

    def test_a_proxy_speaks_for_many_within_the_whole(self, narrow: str) -> None:
        with ExitStack() as stack:
            wires = [stack.enter_context(Wire(narrow, "127.0.0.9")) for _ in range(8)]
            assert [wire.get("/healthz").answer().status for wire in wires] == [200] * 8
            refused = stack.enter_context(Wire(narrow, "127.0.0.9")).answer()
            assert (refused.status, refused.slug) == (503, "too-many-clients")
            assert int(refused.headers["retry-after"]) >= 1

    def test_a_thousand_streams_of_one_address_have_room(self, services: Services) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
        try:
            with ExitStack() as stack:
                wires = [stack.enter_context(Wire(services.url)) for _ in range(1100)]
                for wire in wires:
                    wire.get("/healthz")
                assert {wire.answer().status for wire in wires} == {200}
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class TestTurns:
    def test_pipelined_requests_are_answered_in_order(self, short: str) -> None:
        paths = ["/healthz", "/v1/models", "/nope", "/v1/jobs"] * 4
        with Wire(short) as wire:
            wire.send(b"".join(GET.replace(b"/healthz", path.encode()) + b"\r\n" for path in paths))
            assert [wire.answer().status for _ in paths] == [200, 200, 404, 200] * 4

    def test_the_head_of_an_answer_leaves_with_its_body(self, services: Services) -> None:
        with Wire(services.url) as wire:
            head, _, body = wire.send(GET + b"\r\n").socket.recv(MB).partition(b"\r\n\r\n")
            assert b"content-length: %d" % len(body) in head
            assert body

    def test_a_refusal_waits_for_the_answers_before_it(self, services: Services, job: str) -> None:
        with Wire(services.url) as wire:
            wire.get(f"/v1/jobs/{job}?wait=1").send(b"nonsense")
            assert wire.answer().status == 200
            assert wire.answer().slug == "malformed-request"
            assert wire.is_closed()

    def test_a_bad_body_behind_another_request_is_refused_alone(
        self, services: Services, job: str
    ) -> None:
        with Wire(services.url) as wire:
            wire.get(f"/v1/jobs/{job}?wait=1").send(CHUNKED + b"1\r\nx\r\nnonsense")
            assert wire.answer().status == 200
            assert wire.answer().slug == "malformed-request"
            assert wire.is_closed()
        assert staged(services) == []

    def test_a_head_that_waits_for_its_turn_is_not_late(self, short: str, job: str) -> None:
        with Wire(short) as wire:
            first = GET.replace(b"healthz", f"v1/jobs/{job}?wait=1.5".encode()) + b"\r\n"
            wire.send(first + GET + b"\r\n" + GET)
            assert wire.answer().status == 200
            wire.send(b"\r\n")
            assert [wire.answer().status for _ in range(2)] == [200, 200]


class TestHalfClosed:
    def test_a_client_that_has_said_all_gets_its_answer(self, services: Services) -> None:
        with Wire(services.url) as wire:
            wire.get("/v1/models").socket.shutdown(socket.SHUT_WR)
            assert wire.answer().status == 200
            assert wire.is_closed()

    @pytest.mark.parametrize(
        "sent", [GET, POST + b"Content-Length: 9\r\n\r\nx", CHUNKED + b"1\r\nx\r\n"]
    )
    def test_half_a_request_is_none(self, services: Services, sent: bytes) -> None:
        with Wire(services.url) as wire:
            wire.send(sent).socket.shutdown(socket.SHUT_WR)
            assert wire.is_closed()
        assert staged(services) == []


def test_a_stop_waits_for_answers_and_for_nobody_else(services: Services, job: str) -> None:
    with beside(services) as own, ExitStack() as stack:
        idle, head, last = (stack.enter_context(Wire(own.url)) for _ in range(3))
        assert idle.get("/healthz").answer().status == 200
        head.send(GET)
        last.get(f"/v1/jobs/{job}?wait=1")
        ask(own.url, GET + b"Connection: close\r\n\r\n")  # what came before it has been read by now
        start = time.monotonic()
        own.processes[0].send_signal(signal.SIGTERM)
        assert last.answer().status == 200
        assert idle.is_closed()
        assert head.is_closed()
        for wire in (idle, head, last):
            wire.socket.close()  # else the gateway lingers
        own.processes[0].wait(10)
        assert time.monotonic() - start < 1 + SLACK_S


def test_an_honest_client_is_served_among_500_of_bad_will(services: Services) -> None:
    waits, _ = besieged(services, 500, 2)  # `make siege` is exact, and sees each of them cut off
    assert percentile([wait for each in waits.values() for wait in each], 90) < 1000


class TestMemory:
    def test_a_large_body_passes_through(self, short: str, gateways: tuple[Services, Services]) -> None:
        def zeros() -> Iterator[bytes]:
            for _ in range(300):
                yield bytes(MB)

        with growth(gateways[0]) as grown, httpx.Client(base_url=short, timeout=60) as http:
            kind = {"Content-Type": "image/png"}
            answer = http.post("/v1/jobs", content=zeros(), headers=kind)
        assert answer.json()["type"] == "/problems/unknown-format"
        assert max(grown) < 64 * MB

    def test_a_large_array_is_cut_without_being_held(
        self, short: str, gateways: tuple[Services, Services]
    ) -> None:
        data, kind = npy_of(np.zeros((100_000, 28, 28), np.uint8)), {"Content-Type": "application/x-npy"}
        with growth(gateways[0]) as grown, httpx.Client(base_url=short, timeout=60) as http:
            job = http.post("/v1/jobs?priority=bulk", content=data, headers=kind).json()
            http.post(f"/v1/jobs/{job['id']}/cancel")
        assert job["counts"]["total"] == 100_000
        assert max(grown) < 64 * MB

    def test_many_bodies_at_once_go_to_files(self, services: Services) -> None:
        head = POST + b"Content-Length: 999999\r\n\r\n"
        with growth(services) as grown, ExitStack() as stack:
            wires = [stack.enter_context(Wire(services.url)) for _ in range(100)]
            for wire in wires:
                wire.send(head + bytes(900_000))
            time.sleep(0.5)
        assert max(grown) < 64 * MB
