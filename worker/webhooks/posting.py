"""One attempt: POST a message to its receiver and see how it answers. Whatever happens is an outcome.

httpcore itself follows no redirects, unpacks no bodies, keeps no cookies, and uses no proxy.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import Mapping
from functools import cached_property

import httpcore

from .addresses import ForbiddenAddress
from .events import body_of
from .outbox import DeliveryClaim, Outcome
from .pinning import PinnedBackend, Resolve
from .signing import signature_headers
from .urls import ForbiddenUrl, Policy, Target, parse_url

log = logging.getLogger(__name__)

BODY_BYTES = 64 << 10
BODY_S = 2.0
"""How much of an answer's body is read, and for how long. Only the status is of interest; the body is
read so that the receiver sees no broken connection."""
CLOSE_S = 0.1
"""The part of an attempt's time that is left for closing once there is a status."""

AGENT = "inkqueue-webhooks/1"


class Poster:
    """Makes attempts; any number at a time."""

    def __init__(self, policy: Policy, resolve: Resolve, *, connect_s: float, timeout_s: float) -> None:
        self._policy, self._timeout_s = policy, timeout_s
        self._backend = PinnedBackend(policy, resolve, connect_s)

    async def post(self, claim: DeliveryClaim) -> Outcome:
        """Send a message that was claimed."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout_s) as limit:
                status, retry_after = await self._send(claim, limit.when() or 0.0)
            return Outcome(time.monotonic() - began, status, retry_after=retry_after)
        except Exception as error:
            return Outcome(time.monotonic() - began, error=_reason(error, claim))

    async def _send(self, claim: DeliveryClaim, end: float) -> tuple[int, str | None]:
        target, body = parse_url(claim.url, self._policy), body_of(claim.event)
        headers = {
            "host": target.authority,
            "user-agent": AGENT,
            "accept": "*/*",
            "content-type": "application/json",
            "content-length": str(len(body)),
            "connection": "close",
        } | signature_headers(claim.id, int(time.time()), body, claim.secrets)
        async with httpcore.AsyncConnectionPool(
            ssl_context=self._tls, max_connections=1, network_backend=self._backend
        ) as pool:
            return await _exchange(pool, target, headers, body, end - CLOSE_S)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Made late: an idle sender loads no certificates, and no httpx."""
        import httpx

        return httpx.create_ssl_context()


async def _exchange(
    pool: httpcore.AsyncConnectionPool,
    target: Target,
    headers: Mapping[str, str],
    body: bytes,
    end: float,
) -> tuple[int, str | None]:
    url = httpcore.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.target)
    async with pool.stream("POST", url, headers=list(headers.items()), content=body) as response:
        asked = [value for name, value in response.headers if name.lower() == b"retry-after"]
        await _drink(response, end)
        return response.status, asked[0].decode("latin-1") if asked else None


async def _drink(response: httpcore.Response, end: float) -> None:
    """Read a little of the answer's body, at most until `end` of the loop's time, and forget it."""
    left, now = BODY_BYTES, asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout_at(min(end, now + BODY_S)):
            async for block in response.aiter_stream():
                left -= len(block)
                if left < 0:
                    return
    except (TimeoutError, httpcore.NetworkError, httpcore.ProtocolError):
        return


def _reason(error: Exception, claim: DeliveryClaim) -> str:
    """What the receiver's owner is told; about private networks, only that they are private. What can
    only be a bug of ours is logged."""
    match error:
        case ForbiddenUrl():
            return str(error)
        case ForbiddenAddress():
            return "its name leads to an address that is not public"
        case TimeoutError() | httpcore.TimeoutException():
            return "it took too long"
        case httpcore.ConnectError() if tls := _tls_error(error):
            return f"TLS failed: {tls.reason or tls}"
        case httpcore.ConnectError():
            return "it could not be connected to"
        case httpcore.NetworkError() | httpcore.ProtocolError():
            return "it did not answer in HTTP"
        case OSError():
            return "its name could not be found"
    log.error("%s attempt %d failed by a bug of ours", claim.id, claim.attempt, exc_info=error)
    return f"unexpected: {type(error).__name__}"


def _tls_error(error: httpcore.ConnectError) -> ssl.SSLError | None:
    """The error that httpcore turned into a ConnectError, if it was about TLS."""
    for origin in error.args:
        for each in (origin, getattr(origin, "__cause__", None)):
            if isinstance(each, ssl.SSLError):
                return each
    return None
