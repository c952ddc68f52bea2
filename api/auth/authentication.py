"""Authentication: an API key identifies an owner. Without keys all callers are one anonymous owner."""

import ipaddress
from collections.abc import Iterable

from fastapi import Request
from fastapi.security import SecurityScopes

from worker.settings import BadSettings

from ..problems import Problem
from ..queries import require_known
from ..services import services_of
from ..settings import GatewaySettings
from .credentials import SCOPES
from .keyring import Keyring

ANONYMOUS = "anonymous"


def require_safe_address(settings: GatewaySettings, keyring: Keyring) -> None:
    """Raise BadSettings if others could reach a gateway without keys, and no setting allows it."""
    address = settings.published or settings.host
    if keyring or settings.allow_anonymous or is_loopback(address):
        return
    raise BadSettings(
        f"refusing to be reachable at {address} without API keys: set INKQUEUE_API_KEYS"
        " (see `inkqueue keys`), or INKQUEUE_ALLOW_ANONYMOUS=true if the network keeps others out"
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def authenticate(request: Request, wanted: SecurityScopes) -> str:
    """`caller` as a dependency; then the query is checked. Raises the problems of both."""
    owner = caller(request, wanted.scopes)
    require_known(request)
    return owner


def caller(request: Request, scopes: Iterable[str]) -> str:
    """The owner who sends `request`. Raises `unauthorized`, `insufficient-scope` and `cross-site`."""
    keyring = services_of(request.app).keyring
    if not keyring:
        require_same_site(request)
        return ANONYMOUS
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        key = request.headers.get("x-api-key", "")
    known = keyring.find(key.strip())
    if known is None:
        raise _unauthorized(bool(key))
    for scope in scopes:
        if scope not in known.scopes:
            raise _insufficient(scope)
    return known.owner


def _unauthorized(sent: bool) -> Problem:
    """One answer for a key that never existed, was revoked or has expired (RFC 6750, section 3.1)."""
    what = "This key is not, or no longer, valid; send another" if sent else "Send your key"
    problem = Problem("unauthorized", f"{what} as `Authorization: Bearer ink_...`.")
    problem.headers = {"WWW-Authenticate": 'Bearer error="invalid_token"' if sent else "Bearer"}
    return problem


def _insufficient(scope: str) -> Problem:
    detail = f"This needs a key with the scope `{scope}`: {SCOPES[scope]}."
    problem = Problem("insufficient-scope", detail, scope=scope)
    problem.headers = {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'}
    return problem


def require_same_site(request: Request) -> None:
    """Raise the problem `cross-site` if another site's page makes a browser change something here.

    Browsers send such requests without asking (CSRF), but mark them: in Sec-Fetch-Site, older ones in
    Origin. Only gateways without keys need this check: elsewhere a foreign page has no key to send.
    """
    if request.method == "GET":  # as HEAD comes, too
        return
    headers = request.headers
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if not site and origin is not None:
        own = headers.get("host", "")
        site = "none" if origin in (f"http://{own}", f"https://{own}") else "cross-site"
    if (site or "none") not in ("same-origin", "none"):
        raise Problem(
            "cross-site",
            "A page of another site sent this; only a gateway with API keys accepts that.",
        )
