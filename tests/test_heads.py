"""Of heads, what is taken by a real gateway (what is not: corpus/framing.py); whom it answers to."""

import resource
import subprocess
import sys
import time
from ipaddress import ip_network

import numpy as np
import pytest
from prometheus_client import Counter

from api.auth.keyring import Keyring
from api.edge.connection_limiter import ConnectionLimiter
from api.edge.hosts import Hosts
from api.edge.policy import EdgePolicy, read_proxies
from api.settings import GatewaySettings
from worker.settings import BadSettings

from samples import pngs
from services import Services, new_key
from wire import CHUNKED, GET, POST, Wire

REFUSED = Counter("refused", "ended at the edge", ["problem"], registry=None)


class TestHeads:
    def test_what_fits_is_taken(self, services: Services) -> None:
        with Wire(services.url) as wire:
            wire.send(GET + b"A: b\r\n" * 62 + b"B: " + b"x" * 32_000 + b"\r\n\r\n")
            assert wire.answer().status == 200
            wire.send(GET.replace(b"healthz", b"healthz?" + b"x" * 32_000) + b"\r\n")
            assert wire.answer().status == 200
            wire.send(GET.replace(b"/healthz", b"http://localhost/healthz") + b"\r\n")
            assert wire.answer().status == 200

    @pytest.mark.parametrize(("target", "is_hinted"), [("/?a=é", True), ("a", False)])
    def test_of_a_target_that_is_not_ascii_it_is_said(
        self, services: Services, target: str, is_hinted: bool
    ) -> None:
        with Wire(services.url) as wire:
            wire.send(GET.replace(b"/healthz", target.encode()) + b"\r\n")
            answer = wire.answer()
        assert answer.slug == "malformed-request"
        assert ("Percent-encode" in answer.problem["detail"]) is is_hinted

    def test_an_upgrade_that_is_not_granted_changes_nothing(self, services: Services) -> None:
        upgrade = GET + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
        with Wire(services.url) as wire:
            wire.send(upgrade + GET + b"\r\n")
            assert [wire.answer().status for _ in range(2)] == [200, 200]

    @pytest.mark.parametrize("together", [True, False])
    @pytest.mark.parametrize("chunked", [True, False])
    def test_nor_does_it_with_a_body(self, services: Services, together: bool, chunked: bool) -> None:
        (image,) = pngs(1, np.random.default_rng(7))
        sized = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(image)
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(image), image) if chunked else image
        head = POST + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n" + sized + b"\r\n\r\n"
        with Wire(services.url) as wire:
            for part in [head + body + GET] if together else [head, body[:9], body[9:], GET]:
                wire.send(part)
                time.sleep(0.02)
            wire.send(b"\r\n")
            assert [wire.answer().status for _ in range(2)] == [202, 200]

    def test_a_body_behind_it_is_never_a_request(self, services: Services) -> None:
        hidden = GET + b"\r\n"
        with Wire(services.url) as wire:
            wire.send(POST + b"Connection: Upgrade\r\nUpgrade: h2c\r\n")
            wire.send(b"Content-Length: %d\r\n\r\n" % len(hidden) + hidden)
            wire.send(GET + b"Connection: close\r\n\r\n")
            assert wire.answer().slug == "unknown-format"
            assert wire.answer().status == 200
            assert wire.is_closed()

    def test_a_tunnel_is_refused_with_a_body_too(self, services: Services) -> None:
        with Wire(services.url) as wire:
            wire.send(GET.replace(b"GET", b"CONNECT") + b"Content-Length: 3\r\n\r\nabc")
            assert wire.answer().slug == "method-not-allowed"

    def test_a_trailer_is_no_field_of_the_head(self, services: Services) -> None:
        kind = b"Content-Type: text/plain\r\n"
        with Wire(services.url) as wire:
            wire.send(CHUNKED.replace(b"image/png", b"image/odd") + b"1\r\nx\r\n0\r\n" + kind + b"\r\n")
            assert wire.answer().slug == "unknown-format"


class TestAddresses:
    def test_what_one_client_has_for_itself_is_one_address(self) -> None:
        limiter = ConnectionLimiter(100, 2, [ip_network("10.0.0.0/8")])

        def refused(*addresses: str) -> list[bool]:
            found = [limiter.enter(each) is not None for each in addresses]
            for each in addresses:
                limiter.leave(each)
            return found

        for same in (
            ("2001:db8::1", "2001:db8::2", "2001:db8::ffff:0:0:1"),
            ("1.2.3.4", "::ffff:1.2.3.4", "1.2.3.4"),
            ("fe80::1%eth0", "fe80::2%eth0", "fe80::1"),
            ("", "", ""),  # a Unix socket has none
        ):
            assert refused(*same) == [False, False, True]
        assert not any(refused("2001:db8:0:1::1", "2001:db8:0:2::1", "2001:db8:0:3::1"))
        assert not any(refused(*["10.1.2.3"] * 9, *["::ffff:10.1.2.3"] * 9))
        assert limiter.roomy
        assert not limiter._each
        assert not any(refused(*(f"10.0.0.{number}" for number in range(100))))

    @pytest.mark.parametrize(
        ("soft", "hard", "told"),
        [
            (1024, 9000, "4096 8448"),  # more than a shell grants by itself
            (9000, 9000, "4096 9000"),
            (300, 1000, "372 1000"),
            (100, 100, "16 100"),
        ],
    )
    def test_as_many_are_taken_as_there_are_descriptors_for(
        self, soft: int, hard: int, told: str
    ) -> None:
        if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < hard:
            pytest.skip(f"this user may not have {hard} file descriptors")
        code = """if True:
            import resource
            from api.edge.descriptors import room_for
            print(room_for(4096), resource.getrlimit(resource.RLIMIT_NOFILE)[0])"""
        shell = f'ulimit -Sn {soft} && ulimit -Hn {hard} && exec "$@"'
        command = ["/bin/sh", "-c", shell, "sh", sys.executable, "-c", code]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        assert done.stdout.strip() == told

    def test_a_refused_client_may_linger_while_half_of_all_is_free(self) -> None:
        limiter, rooms = ConnectionLimiter(4, 4, []), list[bool]()
        for number in range(4):
            limiter.enter(str(number))
            rooms.append(limiter.roomy)
        assert rooms == [True, False, False, False]


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
        policy = EdgePolicy.of(made, 10, bool(Keyring(made)), REFUSED)
        assert policy.hosts.allows("rebound.example") is answers

    def test_names_are_compared_without_case_port_and_last_dot(self) -> None:
        hosts = Hosts(["A.example", "*.B.example"])
        for host in ("a.example.", "A.EXAMPLE:99999", "x.b.example", "x.B.example.:1"):
            assert hosts.allows(host) is True
        assert hosts.allows("b.example") is hosts.allows("xb.example") is False
        assert hosts.allows("a.example:123456") is None

    def test_a_proxy_may_be_given_by_its_network(self) -> None:
        networks = [ip_network("10.0.0.0/8"), ip_network("::1")]
        assert read_proxies(GatewaySettings(trusted_proxies="10.1.2.3/8,::1")) == networks

    def test_a_bad_proxy_is_named(self) -> None:
        with pytest.raises(BadSettings, match="TRUSTED_PROXIES"):
            EdgePolicy.of(GatewaySettings(trusted_proxies="nginx"), 10, False, REFUSED)
