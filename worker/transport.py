"""kombu's Redis transport, made to outlive what lies in a queue and is no message: that is dropped.

As kombu is, one string that is no JSON ends the worker, and one message of another shape does, too.
"""

import logging
from typing import Any

from kombu.transport import TRANSPORT_ALIASES
from kombu.transport import redis as redis_transport
from redis import RedisError

log = logging.getLogger(__name__)


class Channel(redis_transport.Channel):
    """A channel that reads past what cannot be parsed."""

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except (ValueError, RecursionError) as error:  # no UTF-8, no JSON; it was taken off the queue
            _tell(error)
            return True


class Transport(redis_transport.Transport):
    """A transport that lets go of what nobody can make sense of, lest it count as being worked on."""

    Channel = Channel

    def _deliver(self, message: Any, queue: str) -> None:
        held = [(channel, dict(channel.qos._delivered)) for channel in self.channels]
        try:
            super()._deliver(message, queue)  # type: ignore[no-untyped-call]
        except (OSError, RedisError):
            raise
        except Exception as error:
            _tell(error)
            for channel, before in held:
                for tag, taken in list(channel.qos._delivered.items()):
                    if before.get(tag) is not taken:
                        channel.basic_reject(tag, requeue=False)


def _tell(error: Exception) -> None:
    """What it was is not said: it may be long, and somebody's."""
    what = type(error).__name__
    log.error("dropped what is no doorbell: %s", what, extra={"event": "message.dropped"})


def install() -> None:
    """Have every connection to a Redis go through this transport; kombu finds it by the URL's scheme."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:Transport"
