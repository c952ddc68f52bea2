"""The drain: claim what is due, have it read, commit, until nothing is due or the time slice is over.

Claim and commit wait for Redis to sync its journal. Under load two other threads commit the last batch,
and claim and decode the next one, while the network reads what is in hand.
"""

import contextlib
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import redis

from .caution import Caution, Cautions
from .chronicle import Chronicle, Course
from .committing import Batch, Committer
from .decoding.nursery import NoDecoder
from .heartbeat import Heartbeat
from .leases import Leases
from .ledger import Claim, Commit, Ledger
from .measures import Pass
from .reading import Reader
from .resignation import resign
from .settings import WorkerSettings

LOST = (redis.ConnectionError, redis.TimeoutError)
"""Redis is away, and the leases run out: no image is to blame."""


T = TypeVar("T")


class Drain:
    """One worker's; `passes` are those of the batch in hand. For one thread, but for `stop`.

    Where it `lingers`, it found nothing at last, and will be rung for (see Ledger.rung).
    """

    def __init__(
        self,
        settings: WorkerSettings,
        ledger: Ledger,
        leases: Leases,
        cautions: Cautions,
        heartbeat: Heartbeat,
        chronicle: Chronicle,
    ) -> None:
        self._settings, self._ledger, self._leases = settings, ledger, leases
        self._cautions, self._heartbeat, self._chronicle = cautions, heartbeat, chronicle
        self._committer = Committer(ledger, leases, heartbeat, chronicle)
        self._ahead, self._behind = ThreadPoolExecutor(1, "ahead"), ThreadPoolExecutor(1, "behind")
        self.passes: list[Pass] = []
        self.lingers = False
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Finish the batch in hand, claim no more."""
        self._stopping.set()

    def close(self) -> None:
        """After the last batch."""
        self._ahead.shutdown()
        self._behind.shutdown()

    def run(self, model: str, reader: Reader, others: Sequence[str] | None = None) -> int:
        """Read what is due for `model`; returns how many images were. Raises redis.RedisError.

        Lingers after it if `others` are named, of which one may be due.
        """
        claim = partial(self._claim, model, reader, time.monotonic() + self._settings.slice_s)
        self.lingers = False
        batch: Batch | None = None
        ahead: Future[Batch | None] = _done(None)
        committed, read = _done(0), 0
        try:
            batch = claim(others)
            while batch:
                ahead = self._ahead.submit(claim) if self._is_full(batch) else _done(None)
                commits = self._read(reader, batch)
                last, committed = committed, self._commit(batch, commits)
                read += last.result()
                following = ahead.result()
                if self._stopping.is_set():
                    return read + committed.result()  # what was claimed ahead is let go
                ahead = _done(None)
                if not following:  # what was committed since may have made more due
                    read, committed = read + committed.result(), _done(0)
                    following = claim(others)
                batch = following
        except NoDecoder as error:
            assert batch
            self._resign(batch.claims, batch.caution, error)
        finally:
            self._let_go(ahead, committed)
        return read

    def _claim(
        self, model: str, reader: Reader, end: float, others: Sequence[str] | None = None
    ) -> Batch | None:
        """What is read next, decoded; None where nothing is due, time is over or this worker stops."""
        if self._stopping.is_set() or time.monotonic() > end:
            return None
        self._cautions.absolve()
        asked = time.time()
        claims = self._ledger.claim(model, self._settings.batch, others)
        if not claims or self._stopping.is_set():
            self._ledger.release(claims)
            self.lingers = others is not None and not self._stopping.is_set()
            return None
        self._leases.hold(claims)
        course = Course(model, asked, time.time())
        self._chronicle.begin(course, claims)
        caution = self._cautions.over(claims[0])
        try:
            ready = None if caution else reader.prepare(claims)
        except NoDecoder as error:
            self._resign(claims, None, error)
            return None
        except RuntimeError:
            ready = None  # the reader finds out by which image
        return Batch(claims, course, caution, ready)

    def _is_full(self, batch: Batch) -> bool:
        """Whether there is more for sure. A chunk that kills takes nobody else's attempt with it."""
        weight = sum(each.count * each.options.weight for each in batch.claims)
        return 2 * weight >= self._settings.batch and not batch.caution

    def _read(self, reader: Reader, batch: Batch) -> list[Commit]:
        self.passes = batch.course.passes
        self._heartbeat.reading(batch.course.model)
        self._leases.touch()
        try:
            if batch.caution:
                return [reader.read_warily(batch.claims[0], batch.caution)]
            return reader.read(batch.claims, batch.ready)
        except LOST:
            if batch.caution:
                self._cautions.interrupted(batch.caution)
            raise
        finally:
            self._heartbeat.reading("")

    def _commit(self, batch: Batch, commits: list[Commit]) -> "Future[int]":
        """How many images were read; of a full batch, in a while."""
        if self._is_full(batch):
            return self._behind.submit(self._committer.commit, batch, commits)
        return _done(self._committer.commit(batch, commits))

    def _resign(self, claims: list[Claim], caution: Caution | None, why: NoDecoder) -> None:
        self.stop()
        resign(self._ledger, claims, caution, why)

    def _let_go(self, ahead: "Future[Batch | None]", committed: "Future[int]") -> None:
        """Nothing is in hand any more: what was claimed and not begun is for others."""
        with contextlib.suppress(Exception):  # else it is back when its lease runs out
            batch = ahead.result()
            self._ledger.release(batch.claims if batch else ())
        with contextlib.suppress(Exception):
            committed.result()
        self._leases.drop_all()


def _done(value: T) -> "Future[T]":
    future: Future[T] = Future()
    future.set_result(value)
    return future
