"""Who is calling: an API key becomes an owner. Without keys everyone is one owner, on loopback only."""

import hashlib
import hmac
import ipaddress
import re
import secrets

from fastapi import Request

from .problems import Problem
from .settings import GatewaySettings

ANONYMOUS = "anonymous"
_KEY = re.compile(r"ink_([a-z0-9]{8})_([A-Za-z0-9_-]{43})")
_PAIR = re.compile(r"([a-z0-9]{8}):([0-9a-f]{64})")


class UnsafeAddress(RuntimeError):
    """The gateway would be open to others without keys; the text says what to do."""


class BadKeys(ValueError):
    """The configured keys cannot be read."""


def new_key() -> tuple[str, str]:
    """A fresh key and the ID:SHA256 line to configure it. The key itself is stored nowhere."""
    key_id, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    key = f"ink_{key_id}_{secret}"
    return key, f"{key_id}:{digest(key)}"


def digest(key: str) -> str:
    """What is stored of a key. Keys are random, so no slow hash is needed."""
    return hashlib.sha256(key.encode()).hexdigest()


class Keyring:
    """The configured keys by id."""

    def __init__(self, settings: GatewaySettings) -> None:
        text = settings.api_keys
        if settings.api_keys_file:
            text += "\n" + settings.api_keys_file.read_text()
        pairs = text.split()
        if bad := [pair for pair in pairs if not _PAIR.fullmatch(pair)]:
            raise BadKeys(f"{len(bad)} API keys are not ID:SHA256; make them with `inkqueue keys`")
        self._digests = dict(pair.split(":") for pair in pairs)

    def __bool__(self) -> bool:
        return bool(self._digests)

    def owner(self, key: str) -> str | None:
        """The owner a key belongs to; takes the same time for unknown ids."""
        match = _KEY.fullmatch(key)
        key_id = match[1] if match else ""
        known = self._digests.get(key_id, "0" * 64)
        same = hmac.compare_digest(known, digest(key))
        return key_id if same and key_id in self._digests else None


def require_safe_address(settings: GatewaySettings, keyring: Keyring) -> None:
    """Raise UnsafeAddress when others could reach a gateway without keys."""
    address = settings.published or settings.host
    if keyring or settings.allow_anonymous or is_loopback(address):
        return
    raise UnsafeAddress(
        f"refusing to be reached at {address} without API keys: set INKQUEUE_API_KEYS"
        " (see `inkqueue keys`), or INKQUEUE_ALLOW_ANONYMOUS=true if the network keeps others out"
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def authenticate(request: Request) -> str:
    """The caller's owner. Raises the problems `unauthorized` and `cross-site`."""
    keyring: Keyring = request.app.state.keyring
    if not keyring:
        require_same_site(request)
        return ANONYMOUS
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        key = request.headers.get("x-api-key", "")
    owner = keyring.owner(key.strip())
    if owner is None:
        problem = Problem("unauthorized", "Send your key as `Authorization: Bearer ink_...`.")
        problem.headers = {"WWW-Authenticate": "Bearer"}
        raise problem
    return owner


def require_same_site(request: Request) -> None:
    """Raise the problem `cross-site` where a page of another site makes a browser change something here.

    Browsers send such requests without asking (CSRF), and say so: in Sec-Fetch-Site, older ones in
    Origin. Where there are keys a stranger's page has none to send.
    """
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    headers = request.headers
    origin, own = headers.get("origin"), headers.get("host", "")
    site = headers.get("sec-fetch-site") or (
        "none" if origin in (None, f"http://{own}", f"https://{own}") else "cross-site"
    )
    if site not in ("same-origin", "none"):
        raise Problem(
            "cross-site", "A page of another site asked for this; with API keys it could be let in."
        )
