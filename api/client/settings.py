"""Where a client's gateway is and how to connect to it."""

from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

import httpx

DEFAULT_URL = "http://127.0.0.1:8000"
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def httpx_settings(url: str, api_key: str | None) -> dict[str, Any]:
    """Arguments of both httpx clients. Raises ValueError if `url` is not a URL."""
    host = _host_of(url)
    if not host:
        hint = "give http:// or https://, a host and, if need be, a port"
        raise ValueError(f"{url!r} is not an address like {DEFAULT_URL}: {hint}")
    headers = {"User-Agent": f"inkqueue/{version('inkqueue')}"}
    if api_key := (api_key or "").strip():
        if not (api_key.isascii() and api_key.isprintable()):
            raise ValueError("the API key has characters that no key has")
        headers["Authorization"] = f"Bearer {api_key}"
    return {
        "base_url": url,
        "headers": headers,
        # A proxy named in the environment cannot reach this machine's loopback.
        "trust_env": host not in LOOPBACK,
        # Every job that is followed holds a connection: httpx's own limit is 100.
        "limits": httpx.Limits(max_connections=None, max_keepalive_connections=20),
    }


def _host_of(url: str) -> str | None:
    """The host to connect to; None if `url` names none that a socket or httpx would take."""
    try:
        parts, host = urlsplit(url), httpx.URL(url).host
        host.encode("idna")
        usable = parts.scheme in ("http", "https") and parts.port != 0
    except (ValueError, httpx.InvalidURL):
        return None
    return host if usable else None
