"""Where a client's gateway is and how it is spoken to."""

from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

DEFAULT_URL = "http://127.0.0.1:8000"
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def httpx_settings(url: str, api_key: str | None) -> dict[str, Any]:
    """What both of httpx's clients take. Raises ValueError if `url` is none."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is no address like {DEFAULT_URL}")
    headers = {"User-Agent": f"inkqueue/{version('inkqueue')}"}
    if api_key := (api_key or "").strip():
        if not (api_key.isascii() and api_key.isprintable()):
            raise ValueError("the API key has characters that no key has")
        headers["Authorization"] = f"Bearer {api_key}"
    # A proxy that the environment names has no way to this machine.
    return {"base_url": url, "headers": headers, "trust_env": parts.hostname not in LOOPBACK}
