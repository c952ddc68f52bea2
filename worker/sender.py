"""`python -m worker.sender`: a process that sends webhooks, apart from those that read. Without torch.

Its doorbells come through their own Celery queue, so that no receiver ever holds up a prediction.
"""

import logging
from contextlib import suppress
from functools import cache, partial

import redis
from celery.signals import worker_ready, worker_shutdown, worker_shutting_down

from . import logs
from .app import create_app
from .connections.connection import connect
from .connections.safety import UnsafeRedis, require_safe
from .ledger import keys
from .ledger.doorbell import SENDER_QUEUE, SENDER_TASK
from .ledger.ledger import Ledger
from .ledger.scripts import source
from .poller import Poller
from .process import configure, run
from .pulse import Pulse, own_name
from .redis_watch import RedisWatch
from .settings import SenderSettings
from .upkeep import upkeep
from .webhooks.dispatcher import Dispatcher

LOOK_S = 5.0
"""After this long without a doorbell, a sender looks into the outbox itself."""

log = logging.getLogger(__name__)
app = create_app()


class Sender:
    """What this process does, and the threads that keep it going."""

    def __init__(self, settings: SenderSettings) -> None:
        self.id = own_name()
        self._client = connect(settings.redis_url)
        require_safe(self._client, settings)
        self._dispatcher = Dispatcher(settings)
        self._poller = Poller([self._dispatcher.drain], LOOK_S)
        beat = self._client.register_script(source("beat"))
        self._threads = (
            self._poller,
            upkeep(Ledger(self._client, settings.lease_ms), []),
            Pulse(partial(beat, args=[keys.SENDERS, self.id])),
            RedisWatch(self._client, settings),
        )

    def start(self) -> None:
        """Start the threads; from here on it is ready."""
        for thread in self._threads:
            thread.start()
        log.info("sender %s ready", self.id)

    def stop(self) -> None:
        """Claim no more."""
        self._dispatcher.stop()

    def close(self) -> None:
        """Stop the threads, and tell the ledger that this sender is gone."""
        self.stop()
        for thread in self._threads:
            thread.stop()
        with suppress(redis.RedisError):  # unless it is told, the ledger waits for its heartbeats
            self._client.zrem(keys.SENDERS, self.id)

    def send(self) -> None:
        """A doorbell rang: send what is due."""
        self._poller.perform(self._dispatcher.drain)


@cache
def sender() -> Sender:
    """This process's sender, made on the first call."""
    return Sender(SenderSettings())


@app.task(name=SENDER_TASK)  # type: ignore[untyped-decorator]
def send() -> None:
    """A doorbell rang: send what is due."""
    sender().send()


def main() -> None:
    """Run until told to stop."""
    try:
        configure(SenderSettings(), "sender")
        logs.bind(sender=sender().id)
    except (UnsafeRedis, redis.RedisError, ValueError) as error:
        logs.refuse("sender", error)
    for signal, call in (
        (worker_ready, sender().start),
        (worker_shutting_down, sender().stop),
        (worker_shutdown, sender().close),
    ):
        signal.connect(lambda call=call, **_: call(), weak=False)
    run(app, [SENDER_QUEUE])


if __name__ == "__main__":
    main()
