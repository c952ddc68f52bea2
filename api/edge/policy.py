"""What the connections of one gateway share: limits, host names, their limiter, a count of refusals."""

import ipaddress
from dataclasses import dataclass
from typing import Self

from prometheus_client import Counter

from worker.settings import BadSettings

from ..auth.authentication import is_loopback
from ..settings import GatewaySettings
from .connection_limiter import ConnectionLimiter, Network
from .hosts import Hosts


@dataclass(frozen=True)
class EdgePolicy:
    """What every connection of one gateway is checked against."""

    settings: GatewaySettings
    hosts: Hosts
    limiter: ConnectionLimiter
    refused: Counter

    @classmethod
    def of(cls, settings: GatewaySettings, most: int, keyed: bool, refused: Counter) -> Self:
        """The policy for `most` connections, `keyed` if callers need keys. Raises BadSettings."""
        limiter = ConnectionLimiter(most, settings.max_connections_per_address, read_proxies(settings))
        return cls(settings, Hosts(_names(settings, keyed)), limiter, refused)


def read_proxies(settings: GatewaySettings) -> list[Network]:
    """The networks of trusted proxies, which have no limit per address. Raises BadSettings."""
    words = settings.trusted_proxies.replace(",", " ").split()
    try:
        return [ipaddress.ip_network(each, strict=False) for each in words]
    except ValueError as error:
        raise BadSettings(f"INKQUEUE_TRUSTED_PROXIES: {error}") from error


def _names(settings: GatewaySettings, keyed: bool) -> list[str]:
    """The names to answer to: any if keys are required, as a page that rebinds its name has no key."""
    address = settings.published or settings.host
    if names := settings.allowed_hosts.replace(",", " ").split():
        return names
    return ["*"] if keyed or not is_loopback(address) else [address]
