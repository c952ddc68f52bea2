"""The Host guard: which names a gateway answers to.

If a web page's name is made to point at 127.0.0.1, a browser takes a gateway there for the page's own
origin (DNS rebinding); only the Host field tells them apart. Without keys it must be checked.
"""

import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache

AUTHORITY = re.compile(r"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
"""RFC 3986, 3.2.2, without user names and without what no resolver accepts."""

KEPT = 64
"""Answers that are cached: most clients call a gateway by one name."""


class Hosts:
    """The names to answer to: `*.example.org` allows all names below one, `*` any name.

    Local names are always allowed: IP addresses, `localhost`, dotless names. No stranger owns these.
    """

    def __init__(self, names: Iterable[str]) -> None:
        lower = {name.lower() for name in names}
        self._any = "*" in lower
        self._names = frozenset(name for name in lower if not name.startswith("*"))
        self._ends = tuple(name[1:] for name in lower if name.startswith("*."))
        self.allows = lru_cache(KEPT)(self._allows)

    def _allows(self, authority: str) -> bool | None:
        """Whether to answer to a Host field; None if it is malformed."""
        match = AUTHORITY.fullmatch(authority)
        if match is None:
            return None
        name = match[1].lower().removesuffix(".")
        return self._any or name in self._names or name.endswith(self._ends) or is_local(name)


def is_local(name: str) -> bool:
    """Whether nobody who owns a domain can make this name point elsewhere."""
    if "." not in name or name.endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
