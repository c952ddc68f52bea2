"""Counts open connections, in all and by address, and refuses those beyond the limits."""

import ipaddress
from collections import Counter
from collections.abc import Sequence

from ..problems import Problem

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
RETRY_S = 5


class ConnectionLimiter:
    """The open connections of one gateway, at most `most` and `most_each` of one address.

    Addresses in `proxies` speak for many clients and are held to the first limit only.
    """

    def __init__(self, most: int, most_each: int, proxies: Sequence[Network]) -> None:
        self._most, self._most_each, self._proxies = most, most_each, proxies
        self._all, self._each = 0, Counter[str]()

    @property
    def roomy(self) -> bool:
        """Whether a refused connection may stay open until its refusal has arrived."""
        return self._all * 2 < self._most

    def enter(self, address: str) -> Problem | None:
        """Count a connection, which must `leave`; return the problem if it is one too many."""
        self._all += 1
        self._each[place := _place(address)] += 1
        if self._all > self._most:
            detail = "All connections of this gateway are taken; try again shortly."
            return Problem("too-many-clients", detail, retry_after=RETRY_S)
        if self._each[place] > self._most_each and not self._is_proxy(address):
            detail = f"At most {self._most_each} connections are open to one address; close some."
            return Problem("too-many-connections", detail, retry_after=RETRY_S, limit=self._most_each)
        return None

    def leave(self, address: str) -> None:
        """Stop counting a connection from `address`."""
        self._all -= 1
        self._each[place := _place(address)] -= 1
        if not self._each[place]:
            del self._each[place]

    def _is_proxy(self, address: str) -> bool:
        if not self._proxies:
            return False
        known = _known(address)
        return known is not None and any(known in network for network in self._proxies)


def _known(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        known = ipaddress.ip_address(address)
    except ValueError:  # a Unix socket has none
        return None
    if isinstance(known, ipaddress.IPv6Address) and known.ipv4_mapped:
        return known.ipv4_mapped
    return known


def _place(address: str) -> str:
    """What counts as one address: an IPv4 address, or the IPv6 /64 that one machine has for itself."""
    known = _known(address)
    if isinstance(known, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((known, 64), strict=False))
    return str(known or address)
