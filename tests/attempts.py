"""Attempts to send webhooks without a queue: where they go, and their outcomes."""

import asyncio
import ssl
from collections.abc import Sequence
from itertools import cycle

from worker.webhooks.outbox import DeliveryClaim, Outcome
from worker.webhooks.posting import Poster
from worker.webhooks.urls import Policy

PUBLIC = Policy(private=False, http=True, ports=frozenset({80, 443, 8080, 8443}))
SECRET = "whsec_" + 32 * "A"
EVENT = b'{"type":"job.completed","at":0,"id":"a","state":"succeeded","counts":{}}'


def send(
    url: str,
    addresses: Sequence[Sequence[str]],
    times: int = 1,
    timeout_s: float = 10.0,
    policy: Policy = PUBLIC,
    tls: ssl.SSLContext | None = None,
    connect_s: float = 10.0,
    resolve_s: float = 0.0,
) -> list[Outcome]:
    """The outcomes of `times` attempts, while the name resolves to each of `addresses` in turn, which
    takes `resolve_s`."""
    turn = cycle(addresses)

    async def resolve(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(resolve_s)
        return next(turn)

    async def run() -> list[Outcome]:
        poster = Poster(policy, resolve, connect_s=connect_s, timeout_s=timeout_s)
        if tls:
            poster._tls = tls
        claim = DeliveryClaim("msg_1", 1, 1, url, EVENT, (SECRET,))
        return await asyncio.gather(*(poster.post(claim) for _ in range(times)))

    return asyncio.run(run())
