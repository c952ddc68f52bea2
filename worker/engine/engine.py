"""The engine: the networks of a worker process, loaded once, and what keeps them at work."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from functools import cache, partial

import redis

from model.engines.opening import cores

from ..connections.connection import connect
from ..connections.safety import require_safe
from ..decoding.decoder import Decoder
from ..decoding.pool import DecoderPool
from ..ledger.claims import Claim
from ..ledger.ledger import Ledger
from ..poller import Poller
from ..pulse import Pulse, own_name
from ..redis_watch import RedisWatch
from ..settings import WorkerSettings
from ..tracing import start
from ..upkeep import upkeep
from .batch_log import BatchLog
from .draining import Drain
from .heartbeat import Heartbeat
from .leases import Leases
from .networks import open_readers
from .poison_guard import PoisonGuards

log = logging.getLogger(__name__)


class Engine:
    """Networks in memory, and the threads that keep a worker's promises."""

    def __init__(self, settings: WorkerSettings) -> None:
        """Raises UnsafeRedis, NoDecoder, and what loading networks raises."""
        self.id = own_name()
        client = connect(settings.redis_url)
        require_safe(client, settings)
        self._ledger = Ledger(client, settings.lease_ms, self.id)
        self._leases = Leases(self._ledger, settings.lease_ms, settings.stall_s)
        limits = settings.max_pixels, settings.decode_s
        self._decoders = DecoderPool(
            lambda: Decoder(*limits, self._leases.touch), cores(settings.threads)
        )
        self._readers = open_readers(settings, self._decoders.read, self._leases.touch)
        predictor = next(iter(self._readers.values())).predictor
        heartbeat = Heartbeat(self._ledger, list(self._readers), predictor.device, settings.batch)
        self._batch_log = BatchLog(start("inkqueue-worker"))
        guards = PoisonGuards(self._ledger, settings.max_deaths, self._touch)
        self._drainer = Drain(
            settings, self._ledger, self._leases, guards, heartbeat, self._batch_log, predictor.threads
        )
        self._poller = Poller([partial(self._drain, name) for name in self._readers])
        self._threads = (
            self._poller,
            self._leases,
            upkeep(self._ledger, list(self._readers)),
            Pulse(heartbeat.beat),
            RedisWatch(client, settings),
        )
        self._decoders.wait_ready()

    def start(self) -> None:
        """Announce this worker; from here on it is ready."""
        for thread in self._threads:
            thread.start()
        models = ", ".join(self._readers)
        engine = next(iter(self._readers.values())).predictor.engine
        extra = {"event": "worker.ready", "engine": engine}
        log.info("worker %s ready, reading %s by %s", self.id, models, engine, extra=extra)

    def stop(self) -> None:
        """Finish the batch in hand, claim no more."""
        self._drainer.stop()

    def close(self) -> None:
        """Stop all threads, and tell the ledger that this worker is gone."""
        self.stop()
        for thread in self._threads:
            thread.stop()
        with suppress(redis.RedisError):  # unless it is told, the ledger waits for its heartbeats
            self._ledger.farewell()
        self._drainer.close()
        self._batch_log.close()
        self._decoders.close()
        log.info("worker %s stopped", self.id, extra={"event": "worker.stopped"})

    def drain(self, model: str) -> int:
        """Read what is due for `model` until nothing is or the time slice is over, then what this worker
        is woken for while it lingers. Return the number of images read."""
        return self._poller.perform(partial(self._drain_on, model))

    def _drain_on(self, model: str) -> int:
        read, handed = 0, list[Claim]()
        while model:
            others = [other for other in self._readers if other != model]
            read += self._drain(model, others, handed)
            model, handed = self._ledger.rung() if self._drainer.lingers else ("", [])
        return read

    def _drain(
        self, model: str, others: Sequence[str] | None = None, handed: Sequence[Claim] = ()
    ) -> int:
        return self._drainer.run(model, self._readers[model], others, handed)

    def _touch(self) -> None:
        """Called before an image or a block of a suspected chunk is noted as in hand."""
        self._leases.touch()
        self._decoders.wait_ready()  # a missing decoder must not be blamed on an image


@cache
def engine() -> Engine:
    """This process's engine, made on the first call."""
    return Engine(WorkerSettings())
