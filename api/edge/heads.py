"""Checks of a request's head before a route sees it, beyond those of the parser (RFC 9112)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import httptools

from ..problems import METHODS, Problem
from .hosts import Hosts

REQUEST_LINE = re.compile(rb"\s*[A-Z][A-Z-]{0,31} /\S* HTTP/1\.[01]\r\n")
NOT_ASCII = re.compile(rb"\s*[A-Z][A-Z-]{0,31} /[!-~]*[\x80-\xff]")


@dataclass(frozen=True)
class Head:
    """A request line and the fields below it."""

    method: str
    target: bytes
    version: str
    fields: Sequence[tuple[bytes, bytes]]

    def require_plain(self, hosts: Hosts) -> None:
        """Raise a problem for anything that another server might understand differently."""
        if self.method == "CONNECT":
            raise unknown_method()
        if self.version not in ("1.0", "1.1"):
            raise malformed("Use HTTP/1.1.")
        if self.values(b"transfer-encoding") not in ([], [b"chunked"]) or (
            self.version == "1.0" and self.values(b"transfer-encoding")
        ):
            raise malformed("The only Transfer-Encoding is chunked, in HTTP/1.1.")
        if not self.target.startswith(b"/") and b"://" not in self.target:
            raise malformed("The path of a request must begin with a slash.")
        self._require_host(hosts)

    def values(self, name: bytes) -> list[bytes]:
        """All values of a field; `name` is in lower case, as the parsed names are by now."""
        return [value.strip().lower() for key, value in self.fields if key == name]

    def _require_host(self, hosts: Hosts) -> None:
        named = self.values(b"host")
        if len(named) > 1 or (not named and self.version == "1.1"):
            raise malformed("A request must have exactly one Host field.")
        scheme, is_absolute, rest = self.target.partition(b"://")
        if is_absolute and scheme.isalpha() and [rest.partition(b"/")[0].lower()] != named:
            raise malformed("The request line and the Host field name different hosts.")
        if named and not (allowed := hosts.allows(host := named[0].decode("latin-1"))):
            if allowed is None:
                raise malformed("The Host field is not a name with or without a port.")
            detail = f"This gateway is not known as {host!r}; INKQUEUE_ALLOWED_HOSTS lists its names."
            raise Problem("host-not-allowed", detail)


def unreadable(error: Exception, data: bytes) -> Problem:
    """The problem for which a parser stopped in `data`: one that a callback raised, or its own."""
    for reason in (error, error.__context__):
        if isinstance(reason, Problem):
            return reason
    if isinstance(error, httptools.HttpParserInvalidMethodError) and REQUEST_LINE.match(data):
        return unknown_method()
    hint = " Percent-encode what is not ASCII in its target." if NOT_ASCII.match(data) else ""
    return malformed(f"This is not an HTTP/1.1 request.{hint}")


def malformed(detail: str) -> Problem:
    """The problem of a request that cannot be understood."""
    return Problem("malformed-request", detail)


def unknown_method() -> Problem:
    """The problem of a method that no address supports."""
    problem = Problem(
        "method-not-allowed", f"No address supports this method; use {', '.join(METHODS)}."
    )
    problem.headers["Allow"] = ", ".join(METHODS)
    return problem
