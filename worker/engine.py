"""The engine room: the networks of this process, made ready once, and the drain that feeds them."""

import logging
import threading
import time
from collections.abc import Sequence
from functools import cache, partial

import redis

from .caution import Caution
from .chronicle import Chronicle, Course
from .connection import connect
from .decoding.decoders import Decoders
from .decoding.nursery import NoDecoder
from .heartbeat import Heartbeat
from .leases import Leases
from .ledger import Claim, Ledger
from .lookout import Lookout
from .measures import Measures, Pass
from .networks import open_readers
from .pulse import own_name
from .reading import Reader
from .resignation import resign
from .safety import require_safe
from .settings import WorkerSettings
from .tracing import start
from .upkeep import Upkeep
from .vigil import Vigil

log = logging.getLogger(__name__)

LOST = (redis.ConnectionError, redis.TimeoutError)
"""Redis is away, and the leases run out: no image is to blame."""


class Engine:
    """Networks in memory and the threads that keep a worker's word."""

    def __init__(self, settings: WorkerSettings) -> None:
        """Raises UnsafeRedis, NoDecoder, and what loading networks raises."""
        self._settings = settings
        self.id = own_name()
        client = connect(settings.redis_url)
        require_safe(client, settings)
        self._vigil = Vigil(client, settings)
        self._ledger = Ledger(client, settings.lease_ms, self.id)
        self._leases = Leases(self._ledger, settings.lease_ms, settings.stall_s)
        self._decoders = Decoders(settings.max_pixels, settings.decode_s, self._leases.touch)
        self._readers = open_readers(settings, self._decoders.read, self._measured, self._leases.touch)
        self._upkeep = Upkeep(self._ledger, list(self._readers))
        device = next(iter(self._readers.values())).predictor.device
        self._heartbeat = Heartbeat(self._ledger, list(self._readers), device, settings.batch // 2)
        self._lookout = Lookout([partial(self._drain, name) for name in self._readers])
        self._measures, self._chronicle = Measures(), Chronicle(start("inkqueue-worker"))
        self._passes: list[Pass] = []
        self._interrupted: list[Caution] = []
        self._stopping, self._idle = threading.Event(), False
        self._decoders.wait_ready()

    def start(self) -> None:
        """Announce this worker; from here on it is ready."""
        for thread in self._threads():
            thread.start()
        models = ", ".join(self._readers)
        engine = next(iter(self._readers.values())).predictor.engine
        said = {"event": "worker.ready", "engine": engine}
        log.info("worker %s ready, reading %s by %s", self.id, models, engine, extra=said)

    def stop(self) -> None:
        """Finish the batch in hand, claim no more."""
        self._stopping.set()

    def close(self) -> None:
        """Say goodbye."""
        self.stop()
        for thread in self._threads():
            thread.stop()
        try:
            self._ledger.farewell(self.id)
        finally:
            self._chronicle.close()
            self._decoders.close()
        log.info("worker %s stopped", self.id, extra={"event": "worker.stopped"})

    def drain(self, model: str) -> int:
        """Read what is due for `model` until nothing is or the slice is over, and what is rung for soon
        after; returns images read."""
        return self._lookout.heard(partial(self._drain_on, model))

    def _drain_on(self, model: str) -> int:
        read = 0
        while model:
            others = [other for other in self._readers if other != model]
            read += self._drain(model, others)
            model = self._ledger.rung() if self._idle else ""
        return read

    def _drain(self, model: str, others: Sequence[str] | None = None) -> int:
        """Lingers after it if `others` are named, of which one may be due."""
        reader, read, self._idle = self._readers[model], 0, False
        end = time.monotonic() + self._settings.slice_s
        while not self._stopping.is_set() and time.monotonic() < end:
            self._absolve()
            asked = time.time()
            claims = self._ledger.claim(model, self._settings.batch, others)
            if self._stopping.is_set():
                self._ledger.release(claims)
                break
            if not claims:
                self._idle = True
                break
            read += self._serve(reader, claims, Course(model, asked, time.time()))
        return read

    def _serve(self, reader: Reader, claims: list[Claim], course: Course) -> int:
        self._leases.hold(claims)
        self._chronicle.begin(course, claims)
        self._passes = course.passes
        self._heartbeat.reading(course.model)
        caution = self._caution(claims[0]) if claims[0].deliveries > 1 else None
        try:
            commits = [reader.read_warily(claims[0], caution)] if caution else reader.read(claims)
            course.read = time.time()
            self._measures.add_batch(course.model, claims, course.passes)
            verdicts = self._ledger.commit(commits, self._measures.take())
            course.committed = time.time()
        except NoDecoder as error:
            self.stop()
            resign(self._ledger, claims, caution, error)
            return 0
        except LOST:
            if caution:
                self._interrupted.append(caution)
            raise
        finally:
            self._leases.hold(())
            self._heartbeat.reading("")
        images = sum(each.succeeded + each.failed for each in commits)
        self._heartbeat.noted(course.model, images, course.committed - course.asked)
        self._chronicle.tell(course, commits, verdicts)
        return images

    def _caution(self, claim: Claim) -> Caution:
        """For a chunk that somebody died over."""

        def touch() -> None:
            self._leases.touch()
            self._decoders.wait_ready()  # that there is none shall not be laid at an image's door

        return Caution(self._ledger, claim, self._settings.max_deaths, touch)

    def _absolve(self) -> None:
        """Redis was away while chunks were read warily; it is back."""
        while self._interrupted:
            self._interrupted[-1].absolve()
            self._interrupted.pop()

    def _measured(self, one: Pass) -> None:
        self._passes.append(one)

    def _threads(self) -> tuple[Lookout | Leases | Upkeep | Heartbeat | Vigil, ...]:
        return self._lookout, self._leases, self._upkeep, self._heartbeat, self._vigil


@cache
def engine() -> Engine:
    """This process's engine, made on the first call."""
    return Engine(WorkerSettings())
