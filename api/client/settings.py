"""Where a client's gateway is and how to connect to it."""

from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

import httpx

DEFAULT_URL = "http://127.0.0.1:8000"
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def httpx_settings(url: str, api_key: str | None) -> dict[str, Any]:
    """Arguments of both httpx clients. Raises ValueError if `url` is not a URL."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is not an address like {DEFAULT_URL}")
    headers = {"User-Agent": f"inkqueue/{version('inkqueue')}"}
    if api_key := (api_key or "").strip():
        if not (api_key.isascii() and api_key.isprintable()):
            raise ValueError("the API key has characters that no key has")
        headers["Authorization"] = f"Bearer {api_key}"
    return {
        "base_url": url,
        "headers": headers,
        # A proxy named in the environment cannot reach this machine's loopback.
        "trust_env": parts.hostname not in LOOPBACK,
        # Every job that is followed holds a connection: httpx's own limit is 100.
        "limits": httpx.Limits(max_connections=None, max_keepalive_connections=20),
    }
