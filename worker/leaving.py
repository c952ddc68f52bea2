"""A process that is told to stop ends in time even while Redis is silent: it could finish nothing."""

import logging
import os
import threading
import time

import redis

from .connections.connection import ONCE

log = logging.getLogger(__name__)

GRACE_S = 8.0
"""How long it waits for Redis. Whoever tells it to stop kills it after 15 s, or later."""

ANSWER_S = 3.0


def leave_without(url: str) -> None:
    """End this process, unless it ends by itself, once the Redis at `url` does not answer any more."""
    threading.Thread(target=_watch, args=[url], name="leaving", daemon=True).start()


def _watch(url: str) -> None:
    with redis.Redis.from_url(
        url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S, retry=ONCE
    ) as client:
        time.sleep(GRACE_S)
        while _answers(client):
            time.sleep(ANSWER_S)
    log.warning("Redis is silent: what is in hand is left to others")
    os._exit(os.EX_OK)


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
