"""How every process of ours talks to Redis: short time-outs, retries, keep-alive.

A link that dies silently is noticed within seconds (with default settings a worker stayed deaf for over
150 s).
"""

import socket
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import redis
import redis.asyncio
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.retry import Retry

from .bundling import BundlingRedis
from .circuit_breaker import GuardedPool

TIMEOUTS: dict[str, Any] = {
    "socket_timeout": 5,
    "socket_connect_timeout": 3,
    "socket_keepalive": True,
    "health_check_interval": 5,
}

UNHEARD_MS = 1000
"""A gateway's link on which nothing is acknowledged for this long is dead. The kernel reports that after
1 to 1.6 s; the command is sent again over a new link or, if there is none, fails within 3.1 s.

A slow Redis is asked once, since its kernel acknowledges for it. Only a command larger than the socket
buffers may be sent again to a Redis that stands still for that long: Redis never got the whole. Such a
command fails within 5 s.
"""

PROMPT: dict[str, Any] = {
    "socket_timeout": 3,
    "socket_connect_timeout": 1.5,
    "socket_keepalive_options": {socket.TCP_USER_TIMEOUT: UNHEARD_MS} if sys.platform == "linux" else {},
    "protocol": 2,
}
"""A gateway's callers are waiting, so it gives up sooner. In RESP2 a notification is a reply like
others; in RESP3 it is a push, for which redis-py formats a log line first."""

LINKS = 64
"""Connections of one gateway; by default redis-py refuses a 101st command at a time."""

TURN_S = 15
"""How long a command waits for its turn before it fails."""

ONCE = Retry(NoBackoff(), 0)
"""For those who look again by themselves: each command is tried once."""

T = TypeVar("T")


class _Retry(Retry):
    """redis-py's, but a missing or wrong password, which that takes for a lost link, is not retried."""

    def call_with_retry(self, do: Callable[[], T], *args: Any, **options: Any) -> T:
        options.setdefault("is_retryable", _may_pass)
        return super().call_with_retry(do, *args, **options)


def _may_pass(error: Exception) -> bool:
    return not isinstance(error, redis.AuthenticationError)


def connect(url: str) -> redis.Redis:
    """A blocking client, for workers."""
    retry = _Retry(ExponentialWithJitterBackoff(base=0.05, cap=1.0), 6)
    return redis.Redis.from_url(url, retry=retry, **TIMEOUTS)


def clock_ms(client: redis.Redis) -> int:
    """Redis's clock: ms since 1970. Raises redis.RedisError."""
    seconds, micros = client.time()
    return int(seconds * 1000 + micros // 1000)


def connect_patiently(url: str) -> redis.asyncio.Redis:
    """A client for an event loop with no callers waiting: it retries for as long as a worker does."""
    retry = redis.asyncio.retry.Retry(ExponentialWithJitterBackoff(base=0.05, cap=1.0), 6)
    pool = redis.asyncio.BlockingConnectionPool.from_url(
        url, max_connections=LINKS, timeout=TURN_S, retry=retry, **TIMEOUTS
    )
    return redis.asyncio.Redis.from_pool(pool)


def connect_async(url: str) -> redis.asyncio.Redis:
    """A client for the gateway's event loop; it fails soon, so that callers get a 503 and not silence.

    A thousand callers at once take turns: that is no reason to fail.
    """
    backoff = ExponentialWithJitterBackoff(base=0.05, cap=0.2)
    retry = redis.asyncio.retry.Retry(backoff, 2, (redis.ConnectionError,))  # silence is waited for once
    pool = GuardedPool.from_url(
        url, max_connections=LINKS, timeout=TURN_S, retry=retry, **TIMEOUTS | PROMPT
    )
    return BundlingRedis(pool)
