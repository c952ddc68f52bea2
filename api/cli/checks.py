"""Checks before a stack starts: what its processes would refuse at every restart is refused once."""

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from worker.connection import connect
from worker.safety import UnsafeRedis, require_safe
from worker.settings import SenderSettings, WorkerSettings

from ..auth import UnsafeAddress, require_safe_address
from ..edge.gate import read_proxies
from ..keyring import Keyring
from ..limits.quotas import Quotas
from ..settings import GatewaySettings
from ..stack import Stack
from .console import Refusal


def require_startable(stack: Stack) -> None:
    """Raise Refusal if a gateway, worker or sender of this stack would not start."""
    try:
        settings = GatewaySettings(host=stack.host, port=stack.port)
        WorkerSettings().served_models()
        SenderSettings()
        require_safe_address(settings, Keyring(settings))
        Quotas(settings)
        read_proxies(settings)
        if os.environ.get("REDIS_URL"):
            require_safe(connect(settings.redis_url), settings)
    except (ValueError, UnsafeAddress, UnsafeRedis, redis.RedisError) as error:
        raise Refusal(str(error)) from error


@contextmanager
def reserved(host: str, port: int) -> Iterator[None]:
    """Keep other stacks from an address, which must be free: gateways of several would share it. Raises
    Refusal."""
    with socket.socket(socket.AF_UNIX) as lock:
        try:
            (family, *_, where), *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            if sys.platform == "linux":  # a name that is nowhere on disk, and gone with us
                lock.bind(f"\0inkqueue {where[0]}:{port}")
            with socket.socket(family) as listener:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind(where)
        except OSError as error:
            reason = f"cannot listen on {host}:{port}: {error.strerror}; try another --port"
            raise Refusal(reason) from error
        yield
