"""Which addresses are public: by explicit tables, since what Python calls global has changed over time.

From the IANA special-purpose registries for IPv4 and IPv6, and what clouds keep to themselves.
"""

import ipaddress

FORBIDDEN_V4 = [
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by carriers; metadata of Alibaba
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # the host of an Azure machine
        "169.254.0.0/16",  # link-local; metadata of most clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments; metadata of Oracle
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
]

GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
"""What is assigned as global unicast. Loopback, mapped IPv4, NAT64, local and multicast lie outside."""

FORBIDDEN_V6 = [
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, with an IPv4 address in it
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
]


class ForbiddenAddress(ValueError):
    """The address is not public."""


def require_public(address: str) -> None:
    """Raise ForbiddenAddress unless `address` is on the public internet."""
    if not _is_public(address):
        raise ForbiddenAddress(f"{address} is not a public address")


def _is_public(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv4Address):
        return not any(parsed in network for network in FORBIDDEN_V4)
    if parsed.scope_id or parsed not in GLOBAL_V6:
        return False
    return not any(parsed in network for network in FORBIDDEN_V6)
