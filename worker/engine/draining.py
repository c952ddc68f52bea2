"""The drain: claim what is due, have it read, commit, until nothing is due or the time slice is over.

Claim and commit wait for Redis to sync its journal. Under load other threads read and commit (see
Pipeline) while the next batch is claimed and decoded here; few images are read here and at once.
"""

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from ..ledger.claims import Claim, Commit
from ..ledger.ledger import Ledger
from ..settings import WorkerSettings
from .batch import Batch
from .batch_log import BatchLog, Timeline
from .batch_reader import BatchReader
from .committing import Committer
from .heartbeat import Heartbeat
from .leases import Leases
from .pipeline import Pipeline
from .poison_guard import PoisonGuards
from .reading import Reader


@dataclass(frozen=True)
class TimeSlice:
    """One run: the model, its reader, and until when chunks are claimed (`end`, by time.monotonic).

    `others` are the other models to watch for while the worker lingers afterwards; None: it does not.
    """

    model: str
    reader: Reader
    others: Sequence[str] | None
    end: float


class Drain:
    """One worker's drain. For one thread, except for `stop`.

    `lingers`: the last run ended with nothing due, so the worker waits to be woken (see Ledger.rung).
    """

    def __init__(
        self,
        settings: WorkerSettings,
        ledger: Ledger,
        leases: Leases,
        guards: PoisonGuards,
        heartbeat: Heartbeat,
        batch_log: BatchLog,
        threads: int,
    ) -> None:
        """`threads` is the number of threads on which full batches are read."""
        self._settings, self._ledger = settings, ledger
        self._leases, self._guards, self._heartbeat = leases, guards, heartbeat
        self._batches = BatchReader(ledger, leases, guards, heartbeat, batch_log)
        self._committer = Committer(ledger, leases, heartbeat, batch_log)
        self._pipeline = Pipeline(threads)
        self.lingers = False

    def stop(self) -> None:
        """Finish the batches in hand, claim no more."""
        self._batches.stop()

    def close(self) -> None:
        """Stop the threads, after the last batch."""
        self._pipeline.close()

    def run(
        self,
        model: str,
        reader: Reader,
        others: Sequence[str] | None = None,
        handed: Sequence[Claim] = (),
    ) -> int:
        """Read what is due for `model`, first the claims that were `handed` to this worker as it was
        woken. Return the number of images read. Raises redis.RedisError.

        The worker lingers afterwards if `others`, the other models that it serves, are given.
        """
        time_slice = TimeSlice(model, reader, others, time.monotonic() + self._settings.slice_s)
        self._batches.start_run()
        self.lingers, read = False, 0
        waiting: Batch | None = None
        try:
            waiting = self._first(time_slice, handed)
            while waiting:
                if full := self._is_full(waiting):
                    self._pipeline.wait_taken()
                else:
                    read += self._pipeline.end()  # so that it is read alone, and kills no other batch
                if self._batches.stopping:
                    break
                batch, waiting = waiting, None
                done, waiting = (self._pipe if full else self._turn)(time_slice, batch)
                read += done
            return read + self._pipeline.end()
        finally:
            self._let_go(waiting)

    def _first(self, time_slice: TimeSlice, handed: Sequence[Claim]) -> Batch | None:
        """The first batch: what was handed to this worker, or else what it claims."""
        if not handed:
            return self._claim(time_slice, time_slice.others)
        timeline = Timeline(time_slice.model, time.time(), time.time())
        return self._ready(time_slice.reader, timeline, list(handed), False)

    def _pipe(self, time_slice: TimeSlice, batch: Batch) -> tuple[int, Batch | None]:
        """Have a full batch read, and claim the next one meanwhile. Return how many images were read
        here or waited for, and the next batch."""
        read = self._begin(batch)
        if not batch.decoded:  # else the next one is decoded while this one waits to be taken
            self._pipeline.wait_taken()
        if following := self._claim(time_slice, None):
            return read, following
        read += self._pipeline.end()  # which may make more due
        return read, self._claim(time_slice, time_slice.others)

    def _turn(self, time_slice: TimeSlice, batch: Batch) -> tuple[int, Batch | None]:
        """Read a batch here. Return the number of its images, and the next batch, claimed in the call
        that commits this one."""
        commits = self._batches.read(batch)
        if not commits or not self._may_claim(time_slice.end):
            return self._commit(batch, commits), None
        asked, others = time.time(), time_slice.others
        read, claims = self._committer.turn(batch, commits, self._settings.batch, others)
        timeline = Timeline(time_slice.model, asked, time.time())
        return read, self._ready(time_slice.reader, timeline, claims, others is not None)

    def _claim(self, time_slice: TimeSlice, others: Sequence[str] | None) -> Batch | None:
        """The next batch, decoded; None if nothing is due, time is up or this worker stops.

        If nothing is due, the worker lingers, unless `others` is None.
        """
        if not self._may_claim(time_slice.end):
            return None
        asked = time.time()
        claims = self._ledger.claim(time_slice.model, self._settings.batch, others)
        timeline = Timeline(time_slice.model, asked, time.time())
        return self._ready(time_slice.reader, timeline, claims, others is not None)

    def _may_claim(self, end: float) -> bool:
        """Whether this worker goes on; if so, absolve the images whose reading an outage cut short."""
        if self._batches.stopping or time.monotonic() > end:
            return False
        self._guards.absolve()
        return True

    def _ready(
        self, reader: Reader, timeline: Timeline, claims: list[Claim], lingers: bool
    ) -> Batch | None:
        """The claims as a batch, decoded; None if there are none, or this worker stops."""
        if not claims or self._batches.stopping:
            self._ledger.release(claims)
            self.lingers = lingers and not claims  # even if it stops: it may be woken, and must hear it
            return None
        return self._batches.prepare(reader, timeline, claims)

    def _is_full(self, batch: Batch) -> bool:
        """Whether so much was due that there may be more. Never with a guard: a chunk that kills must
        take no other along."""
        return 2 * batch.weight >= self._settings.batch and not batch.guard

    def _begin(self, batch: Batch) -> int:
        """Have a full batch read by other threads. If its first part is small, as urgent images are,
        read that here meanwhile; return the number of its images."""
        parts = batch.parts(self._settings.batch)
        few = parts.pop(0) if len(parts) > 1 and not self._is_full(parts[0]) else None
        for part in parts:
            self._pipeline.begin(partial(self._batches.take, part), partial(self._commit, part))
        return self._commit(few, self._batches.read(few)) if few else 0

    def _commit(self, batch: Batch, commits: Sequence[Commit]) -> int:
        """Commit results, if there are any; return the number of images read."""
        return self._committer.commit(batch, commits) if commits else 0

    def _let_go(self, waiting: Batch | None) -> None:
        """Keep nothing in hand: leave what was claimed and not begun to other workers."""
        self._heartbeat.note_model("")
        with contextlib.suppress(Exception):  # if that fails, it is due when its lease expires
            self._ledger.release(waiting.claims if waiting else ())
        with contextlib.suppress(Exception):
            self._pipeline.end()
        self._leases.drop_all()
