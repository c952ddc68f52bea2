"""kombu's Redis transport, made to drop whatever is in a queue and is no message, and to live on.

With kombu alone a string that is not JSON ends the worker, and so does a message of another shape.
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
        except (ValueError, RecursionError) as error:  # not UTF-8 or not JSON; it is off the queue
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
    """The content is not logged: it may be long, and private."""
    log.error("dropped what is no doorbell: %s", what, extra={"event": "message.dropped"})


def install() -> None:
    """Have every connection to a Redis go through this transport; kombu finds it by the URL's scheme."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:Transport"
