"""Where webhooks must not go: seen from the URL alone, or when a name is looked up."""

import json
from collections.abc import Sequence
from urllib.parse import quote, urlsplit

from worker.webhooks.urls import Policy

from .asking import told, uploaded
from .cases import Ask, Row, cases
from .stage import GOOD, Stage
from attempts import send
from hostile_urls import HOSTILE
from receivers import OK, running_receiver, status

PNG = GOOD["good-0.png"]
FORBIDDEN, INVALID = "422 webhook-url-forbidden", "422 invalid-parameter"
ANYWHERE = Policy(private=True, http=True, ports=frozenset())


def registered(url: str) -> Ask:
    """Register an endpoint with this URL."""
    return told("/v1/webhooks", {"url": url})


def called_back(url: str) -> Ask:
    """Submit a job with this callback_url."""
    return uploaded("image/png", PNG, f"/v1/jobs?callback_url={quote(url, safe='')}")


def led(*addresses: Sequence[str]) -> Ask:
    """Send to a good name that resolves to each of `addresses` in turn: no receiver may be reached."""

    def ask(_: Stage) -> str:
        with running_receiver() as canary:
            port = urlsplit(canary.url).port or 0
            policy = Policy(private=False, http=True, ports=frozenset({port}))
            url = canary.url.replace("127.0.0.1", "rebind.example.org")
            outcomes = send(url, addresses, len(addresses), policy=policy)
            assert canary.connections == 0
        return ", ".join({str(each.error) for each in outcomes})

    return ask


def redirected(code: int, to: str) -> Ask:
    """Send to a receiver that redirects: the new place may not be reached."""

    def ask(_: Stage) -> str:
        with running_receiver(OK) as canary:
            with running_receiver(status(code, f"Location: {to or canary.url}")) as receiver:
                (outcome,) = send(receiver.url, [["127.0.0.1"]], policy=ANYWHERE)
            assert canary.connections == 0
        return "delivered" if outcome.delivered else f"failed with {outcome.status}"

    return ask


INSIDE = "its name leads to an address that is not public"
EVENT = {"type": "job.completed", "timestamp": "2026-11-28T00:00:00Z", "data": {"id": "a"}}

TABLE: dict[str, dict[str, Row]] = {
    line: {f"{url[:40]!r} {at}": (registered(url), FORBIDDEN) for at, url in enumerate(urls)}
    for line, urls in HOSTILE.items()
    if "" not in urls
}
TABLE["another scheme"] = {repr(url): (registered(url), FORBIDDEN) for url in HOSTILE["another scheme"]}
TABLE["a loopback address"] |= {
    "for a callback": (called_back("https://127.0.0.1/"), FORBIDDEN),
    "for a callback, by name": (called_back("https://localhost/"), FORBIDDEN),
    "for a callback, in digits": (called_back("https://2130706433/"), FORBIDDEN),
}
TABLE |= {
    "a name that leads inside": {
        "to loopback": (led(["127.0.0.1"]), INSIDE),
        "to loopback of IPv6": (led(["::1"]), INSIDE),
        "to both": (led(["8.8.8.8", "127.0.0.1"]), INSIDE),
        "to the cloud's own data": (led(["169.254.169.254"]), INSIDE),
        "to IPv4 in IPv6": (led(["::ffff:127.0.0.1"]), INSIDE),
        "to IPv4 by NAT": (led(["64:ff9b::7f00:1"]), INSIDE),
        "to 6to4": (led(["2002:7f00:1::"]), INSIDE),
        "to what is near": (led(["fe80::1%eth0"]), INSIDE),
        "to another address each time": (led(["127.0.0.1"], ["10.0.0.1"], ["::1"]), INSIDE),
    },
    "a redirect": {
        f"{code}": (redirected(code, ""), f"failed with {code}") for code in (301, 302, 303, 307, 308)
    }
    | {"to a file": (redirected(302, "file:///etc/passwd"), "failed with 302")},
    "our own address": {
        "loopback": (registered("https://127.0.0.1:8443/v1/jobs"), FORBIDDEN),
        "a name of the network": (registered("https://gateway/v1/jobs"), FORBIDDEN),
        # With a public name of ours there is no loop either: a webhook's message is not a job.
        "what a webhook says, as a job": (
            uploaded("application/json", json.dumps(EVENT).encode()),
            "400 malformed-json",
        ),
    },
    "a secret of the client's": {
        # The service makes the secrets, so that there is no weak one.
        "short": (told("/v1/webhooks", {"url": "https://a.example/", "secret": "whsec_x"}), INVALID),
        "no base64": (told("/v1/webhooks", {"url": "https://a.example/", "secret": "secret"}), INVALID),
        "when changed": (
            told("/v1/webhooks/wh_" + "0" * 32, {"secret": "whsec_x"}, "PATCH"),
            INVALID,
        ),
        "for callbacks": (
            uploaded("image/png", PNG, "/v1/jobs?callback_secret=whsec_x"),
            INVALID,
        ),
        "an overlap of years": (
            told("/v1/webhooks/callback/secret?overlap=99999999", {}),
            INVALID,
        ),
        "no URL": (told("/v1/webhooks", {}), INVALID),
        "a URL that is a number": (told("/v1/webhooks", {"url": 7}), INVALID),
        "no events": (told("/v1/webhooks", {"url": "https://a.example/", "events": []}), INVALID),
        "an unknown event": (
            told("/v1/webhooks", {"url": "https://a.example/", "events": ["job.begun"]}),
            INVALID,
        ),
        "a long URL": (
            told("/v1/webhooks", {"url": "https://example.org/" + "a" * 5000}),
            "413 body-too-large",
        ),
        "one that is not there": (told("/v1/webhooks/wh_" + "0" * 32, {}, "PATCH"), "404 not-found"),
    },
}

CASES = list(cases("webhooks", TABLE))
