"""Serving from this machine: `inkqueue up`."""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import redis
import typer

from worker import logs
from worker.connection import connect
from worker.embedded import NoRedis, free_port
from worker.safety import UnsafeRedis, require_safe
from worker.settings import QueueSettings

from ..stack import WORKERS, Stack
from .console import Refusal, notes
from .readiness import address, wait_ready


def up(
    host: Annotated[str, typer.Option(help="the address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="how many processes read images")] = WORKERS,
    api_workers: Annotated[
        int, typer.Option(min=1, help="how many processes take requests, all on one port")
    ] = 1,
    data: Annotated[
        Path, typer.Option(file_okay=False, help="where jobs are kept, unless REDIS_URL is set")
    ] = Path("inkqueue-data"),
) -> None:
    """Serve until Ctrl-C: Redis, a gateway and workers. Jobs stay in the data folder."""
    settings = QueueSettings()
    logs.configure(settings, "stack")
    say = _say_in_json if settings.log == "json" else notes.print
    quiet = "warning" if settings.log == "text" else ""  # whoever watches wants only warnings
    began = time.monotonic()
    stack = Stack(host, port or free_port(), workers, data, quiet, api_workers)
    _require_safe(stack)
    try:
        stack.run(lambda: _announce(stack, began, say))
    except NoRedis as error:
        raise Refusal(str(error)) from error
    say("stopped")


def _require_safe(stack: Stack) -> None:
    """Refuse now what the gateway would refuse, and be restarted for, again and again."""
    from ..auth import UnsafeAddress, require_safe_address
    from ..credentials import BadKeys
    from ..keyring import Keyring
    from ..limits.quotas import BadQuotas, Quotas
    from ..settings import GatewaySettings

    settings = GatewaySettings(host=stack.host, port=stack.port)
    try:
        require_safe_address(settings, Keyring(settings))
        Quotas(settings)
        _require_free(stack.host, stack.port)
        if os.environ.get("REDIS_URL"):
            require_safe(connect(settings.redis_url), settings)
    except (BadKeys, BadQuotas, UnsafeAddress, UnsafeRedis, redis.RedisError) as error:
        raise Refusal(str(error)) from error


def _require_free(host: str, port: int) -> None:
    try:
        (family, *_, where), *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        with socket.socket(family) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(where)
    except OSError as error:
        raise Refusal(f"cannot listen on {host}:{port}: {error.strerror}; try another --port") from error


def _say_in_json(words: str) -> None:
    """What a person would be told, among lines for machines."""
    logging.getLogger("inkqueue").info(words, extra={"event": "stack"})


def _announce(stack: Stack, began: float, say: Callable[[str], object]) -> None:
    """Say where the gateway is, and once it is ready, that."""
    say(f"starting on {address(stack)}")

    def wait() -> None:
        if wait_ready(stack, lambda: stack.stopping):
            seconds = time.monotonic() - began
            say(f"READY in {seconds:.1f} s: {address(stack)} (a page to open; the API: /docs)")

    threading.Thread(target=wait, name="readiness", daemon=True).start()
