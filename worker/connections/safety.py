"""What Redis must be before accepted jobs are entrusted to it: it loses nothing and is not open to all.

Every process checks when it starts (require_safe) and goes on checking (worker/redis_watch.py).
"""

import ipaddress
import logging
import re
import socket
from collections.abc import Mapping
from typing import Any

import redis
from redis.exceptions import NoPermissionError

from ..settings import QueueSettings
from .connection import ONCE

log = logging.getLogger(__name__)

DURABLE = {
    "appendonly": "yes",
    "appendfsync": "always",
    "no-appendfsync-on-rewrite": "no",  # else a rewrite of the journal suspends `always`
    "maxmemory-policy": "noeviction",
}
DOOR = ("bind", "protected-mode")
BIND_COUNTS = (7,)
"""Before this version protected mode left Redis open if `bind` was given."""
OLDEST = (6, 2)
"""Older versions lack commands that the scripts run: nothing would be tidied up, and no webhook sent."""

UNFIT = (b"cluster", b"sentinel")
"""In a cluster, even one of a single node, a script must not use keys of several slots."""


class UnsafeRedis(RuntimeError):
    """Settings of Redis let accepted jobs be lost or read by anybody; the text says which."""


def require_safe(client: redis.Redis, settings: QueueSettings) -> None:
    """Raise UnsafeRedis, which names setting, value, what is wanted, and the overriding switch; or
    redis.RedisError, which names REDIS_URL and says what is wrong with it, or with its Redis."""
    try:
        client.ping()
        if (version := _version(client)) < OLDEST:
            raise redis.RedisError(_too_old(dotted(version)))
        if (mode := _hello(client).get(b"mode")) in UNFIT:
            raise redis.RedisError(f"this Redis runs as a {mode.decode()}; name one that stands alone")
        faults = find_loss(client, settings), find_door(client, settings)
    except redis.RedisError as error:
        raise type(error)(f"REDIS_URL: {_trouble(client, error)}") from error
    for fault in faults:
        if fault:
            raise UnsafeRedis(fault)
    if settings.allow_unsafe_redis:
        log.warning("INKQUEUE_ALLOW_UNSAFE_REDIS is set: accepted jobs may be lost")


def find_loss(client: redis.Redis, settings: QueueSettings) -> str:
    """How accepted jobs can be lost; empty if they cannot, or if that is allowed."""
    if settings.allow_unsafe_redis:
        return ""
    try:
        found = _read(client, *DURABLE)
    except redis.ResponseError as error:
        if not _hides(error):
            raise  # Redis is in trouble: that says nothing of its settings
        wanted = ", ".join(f"{name} {value}" for name, value in DURABLE.items())
        return (
            f"Redis does not let this user see its settings ({error}). Allow it `+config|get`; or,"
            f" if you know that Redis has {wanted}, set INKQUEUE_ALLOW_UNSAFE_REDIS=true."
        )
    wrong = {name: found.get(name) for name, wanted in DURABLE.items() if found.get(name) != wanted}
    if not wrong:
        return ""
    return (
        f"Redis has {_listed(wrong)}, so accepted jobs can be lost."
        f" Set {_listed({name: DURABLE[name] for name in wrong})};"
        " or set INKQUEUE_ALLOW_UNSAFE_REDIS=true to run all the same."
    )


def find_door(client: redis.Redis, settings: QueueSettings) -> str:
    """How strangers can reach Redis; empty if they cannot, or if that is allowed."""
    if settings.allow_open_redis or not _lets_anybody_in(client):
        return ""
    where = client.connection_pool.connection_kwargs
    host = where.get("host")
    if host and not _is_loopback(host):
        seen = f"is reached at {host}:{where.get('port')}"
    elif listens := _listens(client):
        seen = f"listens with {listens}"
    else:
        return ""
    return (
        f"Redis {seen} and has no requirepass, so whoever is on that network can read and change every"
        " job. Set requirepass and name it in REDIS_URL (redis://:PASSWORD@HOST/0), or bind Redis to"
        " 127.0.0.1; or set INKQUEUE_ALLOW_OPEN_REDIS=true if the network keeps others out."
    )


def _trouble(client: redis.Redis, error: redis.RedisError) -> str:
    """What is wrong with Redis, or with how it is addressed."""
    if isinstance(error, redis.AuthenticationError):
        given = client.connection_pool.connection_kwargs.get("password")
        return "Redis refuses its user or password" if given else "Redis wants a password"
    return _too_old("older") if "unknown command `HELLO`" in str(error) else str(error)


def dotted(version: tuple[int, ...]) -> str:
    """A version as people write it: 6.2."""
    return ".".join(map(str, version))


def _too_old(found: str) -> str:
    return f"Redis {dotted(OLDEST)} or later is needed; this one is {found}"


def _version(client: redis.Redis) -> tuple[int, ...]:
    """Redis's version. Raises redis.RedisError."""
    return tuple(map(int, re.findall(rb"\d+", _hello(client)[b"version"])))


def _hello(client: redis.Redis) -> Mapping[bytes, Any]:
    """What Redis tells every user of itself. Raises redis.RedisError."""
    said: Any = client.execute_command("HELLO")  # type: ignore[no-untyped-call]
    return said if isinstance(said, dict) else dict(zip(said[::2], said[1::2], strict=True))


def _lets_anybody_in(client: redis.Redis) -> bool:
    """Whether Redis answers without a password. It is tried, since users and modes are of many kinds."""
    pool = client.connection_pool
    secret = ("username", "password", "credential_provider")
    plain = {name: value for name, value in pool.connection_kwargs.items() if name not in secret}
    stranger = redis.ConnectionPool(connection_class=pool.connection_class, **plain | {"retry": ONCE})
    try:
        return bool(redis.Redis(connection_pool=stranger).ping())
    except (redis.AuthenticationError, redis.ResponseError):
        return False
    finally:
        stranger.disconnect()


def _listens(client: redis.Redis) -> str:
    """Where Redis listens to anybody beyond loopback; empty if nowhere, or if it cannot be known."""
    try:
        found = _read(client, *DOOR)
    except redis.ResponseError:
        return ""
    addresses = found.get("bind", "").replace("-", " ").split()
    if addresses and all(_is_loopback(each) for each in addresses):
        return ""
    guarded = not addresses or _version(client) >= BIND_COUNTS
    if found.get("protected-mode") == "yes" and guarded:
        return ""
    return ", ".join(f"{name} {found.get(name) or '(all)'}" for name in DOOR)


def _read(client: redis.Redis, *names: str) -> dict[str, str]:
    with client.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.config_get(name)
        return {key: value for each in pipe.execute() for key, value in each.items()}


def _hides(error: redis.ResponseError) -> bool:
    """Whether Redis says that this user may not ask, or nobody may (`rename-command CONFIG ""`)."""
    return isinstance(error, NoPermissionError) or "unknown command" in str(error)


def _listed(settings: Mapping[str, str | None]) -> str:
    return " and ".join(f"{name} {value}" for name, value in settings.items())


def _is_loopback(host: str) -> bool:
    """Whether all addresses of a host are this machine's own."""
    try:
        found = socket.getaddrinfo(host, None)
    except OSError:
        return False
    return all(ipaddress.ip_address(str(each[4][0]).split("%")[0]).is_loopback for each in found)
