"""`python -m worker.alive`: whether a worker or sender of this host has had a heartbeat lately.

A container's health check; Celery's own ping fails on a worker that is merely busy.
"""

import socket
from typing import Any

from . import keys
from .connection import clock_ms, connect
from .pulse import ALIVE_MS
from .settings import QueueSettings


def main() -> None:
    """Exit code 0 if so, else 1."""
    client, host = connect(QueueSettings().redis_url), socket.gethostname()
    since = clock_ms(client) - ALIVE_MS
    alive: list[Any] = []
    for kind in (keys.WORKERS, keys.SENDERS):
        alive += client.zrangebyscore(kind, since, "+inf")
    raise SystemExit(not any(each.decode().startswith(f"{host}-") for each in alive))


if __name__ == "__main__":
    main()
