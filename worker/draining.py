"""The drain: claim what is due, have it read, commit, until nothing is due or the time slice is over.

Claim and commit wait for Redis to sync its journal. Under load another thread commits the last batch,
and claims and decodes the next one, while the network reads what is in hand.
"""

import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeAlias

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


Claiming: TypeAlias = Callable[[], Batch | None]
Turn: TypeAlias = Future[tuple[int, Batch | None]]
"""Images that are committed, and what was claimed then."""


class Drain:
    """One worker's; `passes` are those of the batch in hand. For one thread, but for `stop`."""

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
        self._aside = ThreadPoolExecutor(1, "aside")
        self.passes: list[Pass] = []
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Finish the batch in hand, claim no more."""
        self._stopping.set()

    def close(self) -> None:
        """After the last batch."""
        self._aside.shutdown()

    def run(self, model: str, reader: Reader) -> int:
        """Read what is due for `model`; returns how many images were. Raises redis.RedisError."""
        claim = partial(self._claim, model, reader, time.monotonic() + self._settings.slice_s)
        batch, turn, read = None, None, 0
        try:
            batch = claim()
            while batch:
                if not turn and self._is_full(batch):
                    turn = self._aside.submit(lambda: (0, claim()))
                commits = self._read(reader, batch)
                if turn:
                    last, turn = turn, self._aside.submit(self._turn, batch, commits, claim)
                    images, following = last.result()
                else:
                    images, following = self._turn(batch, commits, claim)
                if turn and not following:
                    more, following = turn.result()
                    turn, images = None, images + more
                batch, read = following, read + images
        except NoDecoder as error:
            assert batch
            self._resign(batch.claims, batch.caution, error)
        finally:
            self._let_go(turn)
        return read

    def _claim(self, model: str, reader: Reader, end: float) -> Batch | None:
        """What is read next, decoded; None where nothing is due, time is over or this worker stops."""
        if self._stopping.is_set() or time.monotonic() > end:
            return None
        self._cautions.absolve()
        asked = time.time()
        claims = self._ledger.claim(model, self._settings.batch)
        if not claims or self._stopping.is_set():
            self._ledger.release(claims)
            return None
        self._leases.hold(claims)
        course = Course(model, asked, time.time())
        self._chronicle.begin(course, claims)
        caution = self._cautions.over(claims[0])
        try:
            return Batch(claims, course, caution, None if caution else reader.prepare(claims))
        except NoDecoder as error:
            self._resign(claims, None, error)
            return None

    def _is_full(self, batch: Batch) -> bool:
        """Whether the queue has more for sure, and nobody is wary."""
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

    def _turn(self, batch: Batch, commits: list[Commit], claim: Claiming) -> tuple[int, Batch | None]:
        """Commit what was read: how many images. Then claim anew."""
        return self._committer.commit(batch, commits), claim()

    def _resign(self, claims: list[Claim], caution: Caution | None, why: NoDecoder) -> None:
        self.stop()
        resign(self._ledger, claims, caution, why)

    def _let_go(self, turn: Turn | None) -> None:
        """Nothing is in hand any more: what was claimed and not begun is for others."""
        with contextlib.suppress(redis.RedisError):  # else it is back when its lease runs out
            _, batch = turn.result() if turn else (0, None)
            self._ledger.release(batch.claims if batch else ())
        self._leases.drop_all()
