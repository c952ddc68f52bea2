"""kombu's Redis transport, made to outlive what lies in a queue and is no message: that is dropped.

As kombu is, one string that is no JSON ends the worker, and one message of another shape does, too.
"""

import logging
from typing import Any

from kombu.transport import TRANSPORT_ALIASES
from kombu.transport import redis as redis_transport

from .doorbell import is_doorbell

log = logging.getLogger(__name__)


class Channel(redis_transport.Channel):
    """A channel that reads past what cannot be parsed."""

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except (ValueError, RecursionError) as error:  # no UTF-8, no JSON; it was taken off the queue
            _tell(type(error).__name__)
            return True


class Transport(redis_transport.Transport):
    """A transport of doorbells and nothing else."""

    Channel = Channel

    def _deliver(self, message: Any, queue: str) -> None:
        if is_doorbell(message):
            super()._deliver(message, queue)  # type: ignore[no-untyped-call]
        else:
            _tell("a message of another shape")


def _tell(what: str) -> None:
    """What it was in full is not said: it may be long, and somebody's."""
    log.error("dropped what is no doorbell: %s", what, extra={"event": "message.dropped"})


def install() -> None:
    """Have every connection to a Redis go through this transport; kombu finds it by the URL's scheme."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:Transport"
