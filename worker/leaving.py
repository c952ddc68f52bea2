"""A process that is told to stop ends in time even while Redis is silent: it could finish nothing."""

import logging
import os
import threading
import time

import redis

from .connections.connection import ONCE

log = logging.getLogger(__name__)

SILENT_S = 8.0
"""For how long Redis may say nothing. Whoever tells a process to stop kills it after 15 s, or later."""

LOOK_S, ANSWER_S = 1.0, 3.0


def leave_without(url: str) -> None:
    """End this process, unless it ends by itself, if the Redis at `url` falls silent."""
    threading.Thread(target=_watch, args=[url], name="leaving", daemon=True).start()


def _watch(url: str) -> None:
    heard = time.monotonic()
    with redis.Redis.from_url(
        url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S, retry=ONCE
    ) as client:
        while time.monotonic() - heard < SILENT_S:
            if _answers(client):
                heard = time.monotonic()
            time.sleep(LOOK_S)
    log.warning("Redis is silent: what is in hand is left to others")
    os._exit(os.EX_OK)


def _answers(client: redis.Redis) -> bool:
    """Whether Redis says anything; a refusal is an answer, too."""
    try:
        client.ping()
    except (redis.AuthenticationError, redis.BusyLoadingError, redis.ResponseError):
        return True
    except redis.RedisError:
        return False
    return True
