"""Reads a worker's batches; those that it cannot read, or need not any more, it gives back to others."""

import contextlib
import logging
import os
import threading
from collections.abc import Sequence

import redis
from celery.worker import state

from ..decoding.fork_server import NoDecoder
from ..ledger.claims import Claim, Commit
from ..ledger.ledger import Ledger
from .batch import Batch
from .batch_log import BatchLog, Timeline
from .heartbeat import Heartbeat
from .leases import Leases
from .poison_guard import PoisonGuard, PoisonGuards
from .reading import FAULTS, Reader

log = logging.getLogger(__name__)


class BatchReader:
    """One worker's. Batches are prepared by one thread, and may be read by several."""

    def __init__(
        self,
        ledger: Ledger,
        leases: Leases,
        guards: PoisonGuards,
        heartbeat: Heartbeat,
        batch_log: BatchLog,
    ) -> None:
        self._ledger, self._leases, self._guards = ledger, leases, guards
        self._heartbeat, self._batch_log = heartbeat, batch_log
        self._stopping, self._failing = threading.Event(), threading.Event()

    @property
    def stopping(self) -> bool:
        """Whether no more batches are to be begun."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """Finish the batches in hand, begin no more."""
        self._stopping.set()

    def start_run(self) -> None:
        """Forget that a batch failed in the last run."""
        self._failing.clear()

    def prepare(self, reader: Reader, timeline: Timeline, claims: list[Claim]) -> Batch | None:
        """The claims as a batch, decoded; None if there is no decoder, and then this worker stops."""
        self._leases.hold(claims)
        self._batch_log.begin(timeline, claims)
        guard = self._guards.of(claims[0])
        try:
            ready = None if guard else reader.prepare(claims)
        except NoDecoder as error:
            self._resign(claims, None, error)
            return None
        except FAULTS:
            ready = None  # the reader finds the image that is to blame
        return Batch(claims, timeline, reader, guard, ready)

    def take(self, batch: Batch) -> Sequence[Commit]:
        """Read a batch that may have waited; if this worker stops or fails, leave it to others."""
        if self.stopping or self._failing.is_set():
            self._leases.drop(batch.claims)
            self._ledger.release(batch.claims)
            return ()
        try:
            return self.read(batch)
        except BaseException:
            self._failing.set()
            raise

    def read(self, batch: Batch) -> Sequence[Commit]:
        """The batch's results; none if there is no decoder for it, and then this worker stops."""
        passes = batch.timeline.passes
        self._heartbeat.note_model(batch.timeline.model)
        self._leases.touch()
        try:
            if batch.guard:
                return [batch.reader.read_guarded(batch.claims[0], batch.guard, passes)]
            return batch.reader.read(batch.claims, batch.ready, passes)
        except NoDecoder as error:
            self._resign(batch.claims, batch.guard, error)
            return ()
        except redis.RedisError:  # it is away, or refuses: no image's fault
            if batch.guard:
                self._guards.interrupted(batch.guard)
            raise

    def _resign(self, claims: list[Claim], guard: PoisonGuard | None, why: NoDecoder) -> None:
        """No decoder is left: give the claims back, unsuspected, and have Celery end this process."""
        self.stop()
        log.critical("%s; ending this worker", why, extra={"event": "worker.ending"})
        state.should_stop = os.EX_UNAVAILABLE
        with contextlib.suppress(redis.RedisError):  # else they are due when their leases expire
            if guard:
                guard.absolve()
            self._ledger.release(claims)
