"""Where no webhook goes: hostile URLs by the hundred, and names that flip; and where they do go."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
import trustme

from worker.webhooks.outbox import Outcome
from worker.webhooks.urls import ForbiddenUrl, Policy, parse_url

from attempts import PUBLIC, send
from hostile_urls import GOOD, HOSTILE
from receivers import dawdle, drip, hang, running_receiver

PRIVATE = Policy(private=True, http=False, ports=frozenset())
INSIDE = "its name leads to an address that is not public"


@pytest.mark.parametrize("url", [url for urls in HOSTILE.values() for url in urls], ids=repr)
def test_a_hostile_url_is_refused(url: str) -> None:
    with pytest.raises(ForbiddenUrl):
        parse_url(url, PUBLIC)


@pytest.mark.parametrize("url", GOOD)
def test_a_public_url_is_taken(url: str) -> None:
    target = parse_url(url, PUBLIC)
    assert target.host in url.lower()
    assert target.target.startswith("/")


def test_the_table_is_long() -> None:
    assert sum(len(set(urls)) for urls in HOSTILE.values()) >= 100


def test_http_and_ports_are_as_the_settings_say() -> None:
    strict = Policy(private=False, http=False, ports=frozenset({443}))
    for url in ("http://example.org/", "https://example.org:8443/", "http://example.org:443/"):
        with pytest.raises(ForbiddenUrl):
            parse_url(url, strict)
    with pytest.raises(ForbiddenUrl, match="INKQUEUE_WEBHOOK_HTTP"):
        parse_url("http://example.org/", strict)
    assert parse_url("http://localhost:5000/hook", PRIVATE).port == 5000
    for port in (0, 65_536):
        with pytest.raises(ForbiddenUrl):
            parse_url(f"http://localhost:{port}/", PRIVATE)


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("https://EXAMPLE.org:443/", "example.org"),
        ("http://example.org:80", "example.org"),
        ("http://example.org:443/", "example.org:443"),
        ("https://[2606:4700:4700::1111]:8443/", "[2606:4700:4700::1111]:8443"),
    ],
)
def test_a_receiver_is_called_by_its_port_if_that_is_not_the_usual_one(url: str, authority: str) -> None:
    assert parse_url(url, PUBLIC).authority == authority


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["::1"],
        ["8.8.8.8", "127.0.0.1"],
        ["127.0.0.1", "8.8.8.8"],
        ["2606:4700:4700::1111", "fe80::1%eth0"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["169.254.169.254"],
    ],
)
def test_a_name_with_an_address_inside_is_not_connected_to(addresses: list[str]) -> None:
    with running_receiver() as canary:
        policy = Policy(private=False, http=True, ports=frozenset({port_of(canary.url)}))
        url = canary.url.replace("127.0.0.1", "rebind.example.org")
        (outcome,) = send(url, [addresses], policy=policy)
        assert outcome.error == INSIDE
        assert canary.connections == 0


class Outside(Policy):
    """As if 127.0.0.77 were a public address."""

    def require_address(self, address: str) -> None:
        if address != "127.0.0.77":
            super().require_address(address)


def test_a_name_that_flips_never_leads_inside() -> None:
    """Public at one look-up, inside at the next: what was checked is what is connected to."""
    with running_receiver() as inside:
        port = port_of(inside.url)
        policy = Outside(private=False, http=True, ports=frozenset({port}))
        url = inside.url.replace("127.0.0.1", "rebind.example.org")
        with running_receiver(host="127.0.0.77", port=port) as outside:
            outcomes: list[Outcome] = []
            for _ in range(10):
                outcomes += send(url, [["127.0.0.77"], ["127.0.0.1"]], times=100, policy=policy)
            assert outside.connections == sum(outcome.delivered for outcome in outcomes) == 500
            assert {each.error for each in outcomes} == {None, INSIDE}
            assert inside.connections == 0


def test_a_receiver_is_reached_at_the_checked_address_by_its_own_name() -> None:
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("receiver.example.org").configure_cert(server)
    asked: list[str | None] = []
    server.sni_callback = lambda _, name, __: asked.append(name)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    with running_receiver(tls=server) as receiver:
        port = port_of(receiver.url)
        url = f"https://receiver.example.org:{port}/hook?a=b"
        (outcome,) = send(url, [["127.0.0.1"]], policy=PRIVATE, tls=client)
        assert outcome.status == 200
        assert asked == ["receiver.example.org"]
        assert receiver.messages[0].headers["host"] == f"receiver.example.org:{port}"
        assert receiver.messages[0].path == "/hook?a=b"
        told = {"user-agent": "inkqueue-webhooks/1", "accept": "*/*", "connection": "close"}
        assert receiver.messages[0].headers.items() >= told.items()
        (outcome,) = send(
            f"https://other.example.org:{port}/", [["127.0.0.1"]], policy=PRIVATE, tls=client
        )
        assert outcome.error
        assert outcome.error.startswith("TLS failed")
        assert len(receiver.messages) == 1


def test_an_address_that_does_not_answer_is_passed_over() -> None:
    with running_receiver() as receiver:
        url = receiver.url.replace("127.0.0.1", "receiver.example.org")
        (outcome,) = send(url, [["127.0.0.77", "127.0.0.1"]], policy=PRIVATE)
        assert outcome.delivered


def test_an_address_that_is_silent_leaves_time_for_the_next_after_a_slow_look_up() -> None:
    with running_receiver() as receiver, silent("127.0.0.2", port_of(receiver.url)) as address:
        addresses = [address, "127.0.0.1"]
        (outcome,) = send(receiver.url, [addresses], policy=PRIVATE, connect_s=4.0, resolve_s=2.0)
        assert outcome.delivered


@pytest.mark.parametrize("behaviour", [hang, drip])
def test_an_attempt_ends_in_time_whatever_trickles_in(behaviour: object) -> None:
    with running_receiver(behaviour) as receiver:  # type: ignore[arg-type]
        (outcome,) = send(receiver.url, [["127.0.0.1"]], timeout_s=0.5, policy=PRIVATE)
        assert outcome.error == "it took too long"
        assert 0.5 <= outcome.took_s < 10  # less than by default


def test_a_good_status_counts_though_the_body_never_comes() -> None:
    with running_receiver(dawdle) as receiver:
        (outcome,) = send(receiver.url, [["127.0.0.1"]], timeout_s=1.0, policy=PRIVATE)
        assert outcome.delivered


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with running_receiver() as proxy, running_receiver() as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        (outcome,) = send(receiver.url, [["127.0.0.1"]], policy=PRIVATE)
        assert outcome.delivered
        assert proxy.connections == 0


def test_what_kept_an_attempt_from_its_receiver_is_said() -> None:
    for addresses, error in (
        ([], "its name could not be found"),
        (["127.0.0.77"], "it could not be connected to"),
    ):
        (outcome,) = send("http://receiver.example.org:9/", [addresses], policy=PRIVATE)
        assert outcome.error == error
    with running_receiver(lambda _, link: link.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")) as receiver:
        (outcome,) = send(receiver.url, [["127.0.0.1"]], policy=PRIVATE)
    assert outcome.error == "it did not answer in HTTP"


@contextmanager
def silent(address: str, port: int) -> Iterator[str]:
    """An address where nobody takes connections: its queue is full, so others are not even refused."""
    with socket.socket() as listener, ExitStack() as queue:
        listener.bind((address, port))
        listener.listen(0)
        for _ in range(4):
            waiting = queue.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex((address, port))
        yield address


def port_of(url: str) -> int:
    return int(url.split(":")[2].split("/")[0])
