"""The URL of a receiver: what it may contain, judged by its text alone, before any name is looked up.

One strict grammar (RFC 3986, printable ASCII) both checks a URL and takes it apart, so that no second
parser can read it differently.
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Self

from ..settings import QueueSettings
from .addresses import ForbiddenAddress, require_public

LONGEST = 2048
_URL = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>(?:/(?:[a-z0-9._~!$&'()*+,;=:@/-]|%[0-9a-f]{2})*)?)"
    r"(?P<query>(?:\?(?:[a-z0-9._~!$&'()*+,;=:@/?-]|%[0-9a-f]{2})*)?)",
    re.IGNORECASE | re.ASCII,
)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PORTS = {"http": 80, "https": 443}
LOCAL = ("localhost", "local", "internal", "home.arpa", "lan", "onion", "invalid")
"""Domains that no public name server knows."""


class ForbiddenUrl(ValueError):
    """No webhook is sent there; the text says why."""


@dataclass(frozen=True)
class Policy:
    """Where webhooks may be sent. `private`: anywhere, for development."""

    private: bool
    http: bool
    ports: frozenset[int]

    @classmethod
    def of(cls, settings: QueueSettings) -> Self:
        """The policy in the settings."""
        ports = frozenset(int(port) for port in settings.webhook_ports.split(","))
        return cls(settings.webhook_private, settings.webhook_http, ports)

    def require_address(self, address: str) -> None:
        """Raise ForbiddenAddress unless `address` may be connected to."""
        if not self.private:
            require_public(address)


@dataclass(frozen=True)
class Target:
    """A URL taken apart; `host` without brackets, `target` is path and query."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """Host and port as in a Host header: without the port that is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def parse_url(url: str, policy: Policy) -> Target:
    """The parts of `url`. Raises ForbiddenUrl."""
    match = _URL.fullmatch(url)
    if len(url) > LONGEST or not match:
        raise ForbiddenUrl(
            f"not an http(s) URL of at most {LONGEST} ASCII characters, without user, password, fragment"
        )
    scheme, host = match["scheme"].lower(), match["host"].lower()
    port = int(match["port"] or _PORTS[scheme])
    if scheme == "http" and not (policy.http or policy.private):
        raise ForbiddenUrl("http is switched off here (INKQUEUE_WEBHOOK_HTTP); use https")
    if not 0 < port < 65536 or not (policy.private or port in policy.ports):
        raise ForbiddenUrl(f"port {port} is not one of {', '.join(map(str, sorted(policy.ports)))}")
    return Target(scheme, _require_host(host, policy), port, (match["path"] or "/") + match["query"])


def _require_host(host: str, policy: Policy) -> str:
    """The host, if it is a name that can be public or an address that is."""
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return _require_name(host, policy)
    try:
        policy.require_address(str(address))
    except ForbiddenAddress as error:
        raise ForbiddenUrl(str(error)) from error
    return str(address)


def _require_name(host: str, policy: Policy) -> str:
    labels = host.split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ForbiddenUrl(f"{host[:80]!r} is not a host name")
    if _NUMBER.fullmatch(labels[-1]):
        raise ForbiddenUrl(f"{host!r} is not an IPv4 address of four decimal numbers")
    if policy.private:
        return host
    if len(labels) == 1 or any(host == each or host.endswith(f".{each}") for each in LOCAL):
        raise ForbiddenUrl(f"{host!r} is not a public name")
    return host
