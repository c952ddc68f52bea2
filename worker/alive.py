"""`python -m worker.alive`: whether a worker of this host has had a heartbeat lately; with the argument
`sender`, a sender.

A container's health check; Celery's own ping fails on a worker that is merely busy.
"""

import socket
import sys
from typing import Any

import redis

from .connections.connection import clock_ms, connect
from .ledger import keys
from .logs import refuse
from .pulse import host_of
from .settings import BadSettings, QueueSettings

LISTS = {"worker": keys.WORKERS, "sender": keys.SENDERS}


def main(kind: str = "worker") -> None:
    """Exit with 0 if one is alive, else with 1."""
    if kind not in LISTS:
        raise SystemExit(f"worker.alive: {kind} is neither worker nor sender")
    try:
        client = connect(QueueSettings().redis_url)
        alive: Any = client.zrangebyscore(LISTS[kind], clock_ms(client) - keys.ALIVE_MS, "+inf")
    except (BadSettings, redis.RedisError) as error:
        refuse("worker.alive", error)
    raise SystemExit(socket.gethostname() not in {host_of(each.decode()) for each in alive})


if __name__ == "__main__":
    main(*sys.argv[1:2])
