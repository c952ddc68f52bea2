"""Rate limits of callers' requests, reported as in draft-ietf-httpapi-ratelimit-headers-10."""

import asyncio
from math import ceil

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from worker.ledger.limiters import Permit, TokenBuckets

from ..auth.authentication import caller
from ..problems import Problem
from ..services import services_of
from .quotas import Quota, Quotas

POLICY = "requests"
STATE = "ratelimit"


class Rates:
    """One gateway's view of the token buckets. A refused caller is refused here until there is a token,
    so that a flood costs Redis nothing.
    """

    def __init__(self, buckets: TokenBuckets, quotas: Quotas) -> None:
        self._buckets, self._quotas = buckets, quotas
        self._empty: dict[str, tuple[float, float]] = {}
        """When refused callers have a token again, and when their buckets are full."""

    async def take(self, owner: str) -> tuple[Quota, Permit] | None:
        """The caller's quota, and whether there was a token; None if its requests are not counted."""
        quota, now = self._quotas.of(owner), asyncio.get_running_loop().time()
        if not quota.requests:
            return None
        next_at, full_at = self._empty.get(owner, (0.0, 0.0))
        if next_at > now:
            return quota, Permit(False, 0, next_at - now, full_at - now)
        permit = await self._buckets.take(owner, quota.requests, quota.tokens)
        if not permit.granted:
            self._empty[owner] = now + permit.next_s, now + permit.full_s
        return quota, permit


async def metered(request: Request) -> None:
    """Count a request, before the scope of its key is checked. Raises `rate-limited`, and what `caller`
    does."""
    if (taken := await services_of(request.app).rates.take(caller(request, ()))) is None:
        return
    quota, permit = taken
    setattr(request.state, STATE, _headers(quota, permit))
    if not permit.granted:
        most = f"{quota.requests:g} requests a second, {quota.tokens} at once"
        detail = f"You may make {most}; wait as long as Retry-After says."
        more = {"violated-policies": [POLICY]}
        raise Problem("rate-limited", detail, retry_after=permit.next_s, **more)


def _headers(quota: Quota, permit: Permit) -> list[tuple[bytes, bytes]]:
    window = ceil(quota.tokens / quota.requests)
    policy = f'"{POLICY}";q={quota.tokens};w={window}'
    state = f'"{POLICY}";r={permit.left};t={ceil(permit.full_s)}'
    return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", state.encode())]


class RateLimitHeaders:
    """ASGI middleware: adds the caller's rate limit and what is left of it to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *scope.get("state", {}).get(STATE, ())]
            await send(message)

        await self._app(scope, receive, send_with_headers)
