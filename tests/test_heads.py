"""What a request's head must be, on a real gateway; and to which names a gateway answers."""

import pytest
from prometheus_client import Counter

from api.credentials import new_key
from api.edge.gate import BadEdge, Gate
from api.edge.hosts import Hosts
from api.keyring import Keyring
from api.settings import GatewaySettings

from conftest import Services
from wire import CHUNKED, GET, POST, Wire, ask

HOST = b"Host: localhost\r\n"
REFUSED = Counter("refused", "ended at the edge", ["problem"], registry=None)
HEADS = {
    "no Host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two Hosts": (b"GET / HTTP/1.1\r\n" + 2 * HOST + b"\r\n", 400),
    "a Host with a path": (b"GET / HTTP/1.1\r\nHost: a/../b@c\r\n\r\n", 400),
    "an empty Host": (b"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
    "a Host that is not ASCII": (b"GET / HTTP/1.1\r\nHost: \xff\r\n\r\n", 400),
    "a strange Host": (b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
    "a strange Host in the URL": (b"GET http://evil.example/ HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "a path without a slash": (b"GET @evil.example HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "HTTP/0.9": (b"GET /\r\n\r\n", 400),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "random bytes": (bytes(range(255, 0, -1)), 400),
    "bare line feeds": (b"GET / HTTP/1.1\nHost: localhost\n\n", 400),
    "a folded field": (GET + b"A: b\r\n c\r\n\r\n", 400),
    "a space before the colon": (GET + b"A : b\r\n\r\n", 400),
    "NUL": (GET + b"A: b\0c\r\n\r\n", 400),
    "a length and chunks": (CHUNKED[:-2] + b"Content-Length: 5\r\n\r\n0\r\n\r\n", 400),
    "two lengths": (POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400),
    "a negative length": (POST + b"Content-Length: -5\r\n\r\n", 400),
    "a length of 20 digits": (POST + b"Content-Length: 99999999999999999999\r\n\r\n", 400),
    "another coding": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n", 400),
    "chunks in HTTP/1.0": (CHUNKED.replace(b"1.1", b"1.0"), 400),
    "a bad chunk": (CHUNKED + b"zz\r\n", 400),
    "a chunk of 17 digits": (CHUNKED + b"f" * 17 + b"\r\n", 400),
    "a header of 100 KB": (GET + b"A: " + b"x" * 100_000 + b"\r\n\r\n", 431),
    "a header of 5 MB": (GET + b"A: " + b"x" * 5_000_000 + b"\r\n\r\n", 431),
    "65 headers": (GET + b"A: b\r\n" * 64 + b"\r\n", 431),
    "10,000 headers": (GET + b"A: b\r\n" * 10_000 + b"\r\n", 431),
    "a trailer without end": (CHUNKED + b"1\r\nx\r\n0\r\nA: " + b"x" * 1_000_000, 431),
    "a chunk extension without end": (CHUNKED + b"1;" + b"x" * 1_000_000, 431),
    "a URL of 1 MB": (GET.replace(b"healthz", b"x" * 1_000_000) + b"\r\n", 414),
    "an unknown method": (GET.replace(b"GET", b"FOO") + b"\r\n", 405),
    "CONNECT": (b"CONNECT localhost:80 HTTP/1.1\r\n" + HOST + b"\r\n", 405),
}


class TestHeads:
    @pytest.mark.parametrize(("request_", "status"), HEADS.values(), ids=HEADS)
    def test_a_bad_request_gets_its_problem_and_ends_the_connection(
        self, services: Services, request_: bytes, status: int
    ) -> None:
        answer = ask(services.url, request_)
        assert answer.status == status
        assert len(answer.problem["detail"]) > 10
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "server" not in answer.headers
        assert "date" in answer.headers
        if status == 405:
            assert "get" in answer.headers["allow"]

    def test_what_fits_is_taken(self, services: Services) -> None:
        with Wire(services.url) as wire:
            wire.send(GET + b"A: b\r\n" * 62 + b"B: " + b"x" * 32_000 + b"\r\n\r\n")
            assert wire.answer().status == 200
            wire.send(GET.replace(b"healthz", b"healthz?" + b"x" * 32_000) + b"\r\n")
            assert wire.answer().status == 200
            wire.send(GET.replace(b"/healthz", b"http://localhost/healthz") + b"\r\n")
            assert wire.answer().status == 200

    def test_an_upgrade_that_is_not_granted_changes_nothing(self, services: Services) -> None:
        upgrade = GET + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
        with Wire(services.url) as wire:
            wire.send(upgrade + GET + b"\r\n")
            assert [wire.answer().status for _ in range(2)] == [200, 200]

    def test_a_trailer_is_no_field_of_the_head(self, services: Services) -> None:
        kind = b"Content-Type: text/plain\r\n"
        with Wire(services.url) as wire:
            wire.send(CHUNKED.replace(b"image/png", b"image/odd") + b"1\r\nx\r\n0\r\n" + kind + b"\r\n")
            assert wire.answer().slug == "unknown-format"


class TestHosts:
    @pytest.mark.parametrize(
        "host", ["localhost", "127.0.0.1:80", "[::1]:8000", "api:8000", "a.localhost", "192.168.1.2"]
    )
    def test_local_names_are_always_answered_to(self, host: str) -> None:
        assert Hosts([]).allows(host)

    @pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io"])
    def test_names_of_strangers_are_not(self, host: str) -> None:
        assert Hosts([]).allows(host) is False
        assert Hosts(["*"]).allows(host)

    @pytest.mark.parametrize(
        ("settings", "answers"),
        [
            ({}, False),
            ({"host": "0.0.0.0", "published": "127.0.0.1"}, False),
            ({"host": "0.0.0.0", "allow_anonymous": True}, True),
            ({"api_keys": new_key()[1]}, True),
            ({"api_keys": new_key()[1], "allowed_hosts": "a.example"}, False),
        ],
    )
    def test_without_keys_on_loopback_a_page_cannot_rebind_its_name(
        self, settings: dict[str, object], answers: bool
    ) -> None:
        made = GatewaySettings.model_validate(settings)
        gate = Gate.of(made, 10, bool(Keyring(made)), REFUSED)
        assert gate.hosts.allows("rebound.example") is answers

    def test_a_bad_proxy_is_named(self) -> None:
        with pytest.raises(BadEdge, match="TRUSTED_PROXIES"):
            Gate.of(GatewaySettings(trusted_proxies="nginx"), 10, False, REFUSED)
