"""kombu's Redis transport, made to survive whatever is in a queue: what is no doorbell is dropped.

With kombu alone a string that is not JSON ends the worker, and so does a message of another shape. While
Redis refuses to write, kombu leaves two connections open at each attempt to connect.
"""

import logging
import time
from queue import Empty
from typing import Any

import redis
from kombu.transport import TRANSPORT_ALIASES
from kombu.transport import redis as redis_transport

from .connections.outage import Outage
from .ledger.doorbell import is_doorbell

log = logging.getLogger(__name__)

REFUSED_S = 1.0
"""Seconds after which a Redis that refuses to be listened to is asked again."""


class Channel(redis_transport.Channel):
    """A channel that skips what cannot be parsed, and writes nothing: it only listens."""

    ack_emulation = do_restore = False  # a doorbell that is lost is rung again by upkeep

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)  # type: ignore[no-untyped-call]
        self._outage = Outage(log, "no doorbell can be heard", "doorbells can be heard again")

    def _brpop_read(self, **options: Any) -> Any:
        try:
            heard = super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except (ValueError, RecursionError) as error:  # not UTF-8 or not JSON; it is off the queue
            _tell(type(error).__name__)
            heard = True
        except Empty:
            self._outage.over()
            raise
        except redis.ResponseError as error:  # it is read-only, say, or its disk is full
            self._outage.failed(error)
            if not self._closing:
                time.sleep(REFUSED_S)
            raise Empty from error
        self._outage.over()
        return heard

    def _queue_bind(self, *_: Any) -> None:
        """Do nothing: scripts put doorbells into their queues, and kombu routes nothing there."""


class Transport(redis_transport.Transport):
    """A transport of doorbells and nothing else."""

    Channel = Channel

    def _deliver(self, message: Any, queue: str) -> None:
        if is_doorbell(message):
            super()._deliver(message, queue)  # type: ignore[no-untyped-call]
        else:
            _tell("a message of another shape")


def _tell(what: str) -> None:
    """The content is not logged: it may be long, and private."""
    log.error("dropped what is not a doorbell: %s", what, extra={"event": "message.dropped"})


def install() -> None:
    """Have every connection to a Redis go through this transport; kombu finds it by the URL's scheme."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:Transport"
