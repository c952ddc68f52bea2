"""Checks before a stack starts: what its processes would refuse at every restart is refused once."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from model.own_screens import read_own_screen
from model.storage import read_checkpoint
from worker.connections.connection import connect
from worker.connections.safety import UnsafeRedis, require_safe
from worker.environment import unknown_settings
from worker.settings import SenderSettings, WorkerSettings

from ..auth.authentication import require_safe_address
from ..auth.keyring import Keyring
from ..edge.policy import read_proxies
from ..limits.quotas import Quotas
from ..settings import GatewaySettings
from ..stack.stack import Stack
from ..telemetry.multiprocess import MULTIPROC_DIR
from .console import Refusal


def require_startable(stack: Stack) -> None:
    """Raise Refusal if a gateway, worker or sender of this stack would not start."""
    if unknown := unknown_settings():
        raise Refusal("; ".join(unknown))
    try:
        settings = GatewaySettings(host=stack.host, port=stack.port)
        _require_networks(WorkerSettings())
        SenderSettings()
        require_safe_address(settings, Keyring(settings))
        Quotas(settings)
        read_proxies(settings)
        if os.environ.get("REDIS_URL"):
            require_safe(connect(settings.redis_url), settings)
        elif settings.broker_url:
            raise Refusal("INKQUEUE_BROKER_URL: it is for the Redis in REDIS_URL; set both, or neither")
    except (ValueError, UnsafeRedis, redis.RedisError) as error:
        raise Refusal(str(error)) from error
    figures = os.environ.get(MULTIPROC_DIR)
    if figures and stack.api_workers == 1 and not os.access(figures, os.W_OK | os.X_OK):
        raise Refusal(f"{MULTIPROC_DIR}: {figures} is no folder that can be written to")


def _require_networks(settings: WorkerSettings) -> None:
    """Check that weights are those of their cards, and that the device exists. Raises BadCard,
    BadSettings, Refusal."""
    for name in settings.served_models():
        card, _ = read_checkpoint(name)
        read_own_screen(card)
    if settings.device.startswith("cuda"):  # in another process, since torch must not be loaded here
        script = f"import torch; torch.cuda.get_device_name({settings.device!r})"
        command = [sys.executable, "-P", "-c", script]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = done.stderr.strip().rpartition("\n")[2]
            raise Refusal(f"INKQUEUE_DEVICE: {settings.device} cannot be used: {reason}")


@contextmanager
def reserved(host: str, port: int) -> Iterator[None]:
    """Keep other stacks from an address, which must be free: otherwise their gateways would share it.
    Raises Refusal."""
    with socket.socket(socket.AF_UNIX) as lock:
        try:
            (family, *_, where), *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            if sys.platform == "linux":  # an abstract name: not on disk, and gone with us
                lock.bind(f"\0inkqueue {where[0]}:{port}")
            with socket.socket(family) as listener:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind(where)
        except OSError as error:
            reason = f"cannot listen on {host}:{port}: {error.strerror}; try another --port"
            raise Refusal(reason) from error
        yield
