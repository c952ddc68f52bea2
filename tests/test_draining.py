"""Under load the next batch is claimed, and the last one committed, while one is read."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest
import redis

from model.engines.torch_predictor import TorchPredictor
from worker.connections.connection import connect
from worker.decoding.replies import Outcome
from worker.decoding.wire import Encoded
from worker.engine.batch_log import BatchLog
from worker.engine.draining import Drain
from worker.engine.heartbeat import Heartbeat
from worker.engine.leases import Leases
from worker.engine.poison_guard import BLOCK, PoisonGuards
from worker.engine.reading import Ready
from worker.ledger import keys
from worker.ledger.claims import Claim, Commit
from worker.ledger.ledger import Ledger
from worker.ledger.measures import ForwardPass
from worker.ledger.results import UNDECODABLE, Failure
from worker.settings import WorkerSettings
from worker.tracing import start

from chaos.faults import MISCONF, Cut, Fault
from chaos.proxy import Proxy
from ledgers import LIMITS, ledger, read_job, submit, wait_out_lease
from plain_reader import PlainReader
from waiting import until

pytestmark = pytest.mark.usefixtures("clean_redis")

BATCH = 10
LEASE_MS = 60_000
"""Nobody renews it here."""


class Watching(PlainReader):
    """A real reader; `during` is called while it has chunks in hand."""

    during: Callable[[Sequence[Claim]], None]
    prepared: Sequence[int] = ()

    def read(
        self, claims: Sequence[Claim], ready: Ready | None, passes: list[ForwardPass]
    ) -> list[Commit]:
        self.during(claims)
        return super().read(claims, ready, passes)

    def prepare(self, claims: Sequence[Claim]) -> Ready:
        self.prepared = [each.chunk for each in claims]
        return super().prepare(claims)


def refuse(files: Sequence[Encoded]) -> list[Outcome]:
    """A decoder that none of the files is good enough for."""
    return [Failure(UNDECODABLE, "refused") for _ in files]


class Worker:
    """All of a worker that drains, but its process."""

    def __init__(self, url: str) -> None:
        settings = WorkerSettings(redis_url=url, batch=BATCH, slice_s=30.0)
        self.ledger = Ledger(connect(url), LEASE_MS, "w")
        self.leases = Leases(self.ledger, LEASE_MS, 60)
        self.drain = Drain(
            settings,
            self.ledger,
            self.leases,
            PoisonGuards(self.ledger, 3, lambda: None),
            Heartbeat(self.ledger, ["balanced"], "cpu", BATCH),
            BatchLog(start("test")),
            threads=1,
        )
        self.reader = Watching(TorchPredictor.load("balanced", device="cpu"), refuse)

    def run(self, during: Callable[[Sequence[Claim]], None]) -> int:
        self.reader.during = during
        return self.drain.run("balanced", self.reader)


@pytest.fixture
def worker(redis_url: str) -> Iterator[Worker]:
    made = Worker(redis_url)
    yield made
    made.drain.close()


def test_under_load_the_next_batch_is_claimed_while_one_is_read(worker: Worker, redis_url: str) -> None:
    submit(redis_url, "a", (BATCH,) * 3)

    def during(claims: Sequence[Claim]) -> None:
        if claims[0].chunk < 2:
            until(lambda: worker.reader.prepared == [claims[0].chunk + 1])
            until(lambda: len(worker.leases._held) == 2)  # what was read before is committed meanwhile

    assert worker.run(during) == 3 * BATCH
    assert read_job(redis_url, "a").counts.succeeded == 3 * BATCH
    assert not worker.leases._held


def test_files_are_decoded_while_others_wait_to_be_read(worker: Worker, redis_url: str) -> None:
    submit(redis_url, "a", (BATCH,) * 4, files=True, limits=replace(LIMITS, window=4))

    def during(claims: Sequence[Claim]) -> None:
        if claims[0].chunk < 2:
            until(lambda: worker.reader.prepared == [claims[0].chunk + 2])

    assert worker.run(during) == 4 * BATCH
    assert read_job(redis_url, "a").counts.failed == 4 * BATCH
    assert not worker.leases._held


def test_few_images_that_are_urgent_are_read_beside_a_full_batch(worker: Worker, redis_url: str) -> None:
    submit(redis_url, "bulk", (BATCH,) * 2)
    submit(redis_url, "urgent", (1, 1), lane="interactive")
    together = list[list[int]]()

    def during(claims: Sequence[Claim]) -> None:
        together.append([each.count for each in claims])
        if claims[0].count == BATCH:
            until(lambda: read_job(redis_url, "urgent").counts.succeeded == 2)

    assert worker.run(during) == 2 * BATCH + 2
    assert sorted(together) == [[1, 1], [BATCH], [BATCH]]


def test_few_images_leave_all_others_to_other_workers(worker: Worker, redis_url: str) -> None:
    submit(redis_url, "a", (1,))

    def during(claims: Sequence[Claim]) -> None:
        if read_job(redis_url, "a").counts.running:
            submit(redis_url, "b", (1,))
        time.sleep(0.1)
        assert len(worker.leases._held) == 1

    assert worker.run(during) == 2


@pytest.mark.parametrize(("files", "held"), [(False, 2), (True, 3)])
def test_what_was_claimed_ahead_is_given_back_where_reading_fails(
    worker: Worker, redis_url: str, files: bool, held: int
) -> None:
    submit(redis_url, "a", (BATCH,) * 3, files=files)

    def during(claims: Sequence[Claim]) -> None:
        until(lambda: worker.reader.prepared == [held - 1])
        raise redis.ConnectionError

    with pytest.raises(redis.ConnectionError):
        worker.run(during)
    assert not worker.leases._held
    others = ledger(redis_url).claim("balanced", 10 * BATCH)
    assert {(each.chunk, each.deliveries) for each in others} == {(1, 1), (2, 1)}


def test_who_stops_ends_what_is_read_and_gives_back_what_is_not(worker: Worker, redis_url: str) -> None:
    submit(redis_url, "a", (BATCH,) * 3)

    def during(claims: Sequence[Claim]) -> None:
        until(lambda: worker.reader.prepared == [1])
        worker.drain.stop()

    assert worker.run(during) == BATCH
    assert not worker.leases._held
    others = ledger(redis_url).claim("balanced", 10 * BATCH)
    assert {(each.chunk, each.deliveries) for each in others} == {(1, 1), (2, 1)}


def test_who_stops_as_it_finds_nothing_gives_back_what_it_is_handed(
    worker: Worker, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = worker.ledger.claim

    def claim(model: str, budget: int, others: Sequence[str] | None = None) -> list[Claim]:
        found = really(model, budget, others)
        worker.drain.stop()
        return found

    monkeypatch.setattr(worker.ledger, "claim", claim)
    monkeypatch.setattr("worker.ledger.ledger.LINGER_MS", 60_000)
    worker.ledger.heartbeat({"models": "balanced", "budget": BATCH})
    assert worker.drain.run("balanced", worker.reader, others=()) == 0
    submit(redis_url, "a", (1,), staged=False)
    assert worker.drain.lingers
    model, handed = worker.ledger.rung()
    assert worker.drain.run(model, worker.reader, (), handed) == 0
    assert not worker.drain.lingers
    (other,) = ledger(redis_url).claim("balanced", BATCH)
    assert other.deliveries == 1


def test_images_that_cannot_be_made_ready_together_are_read_one_by_one(
    worker: Worker, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(redis_url, "a", (BATCH,) * 2)

    def fail(claims: Sequence[Claim]) -> Ready:
        raise RuntimeError("no memory for all of it")

    monkeypatch.setattr(worker.reader, "prepare", fail)
    assert worker.run(lambda claims: None) == 2 * BATCH
    assert read_job(redis_url, "a").counts.succeeded == 2 * BATCH


def test_nothing_stays_held_whatever_fails_ahead(
    worker: Worker, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(redis_url, "a", (BATCH,) * 3)

    def fail(claims: Sequence[Claim]) -> Ready:
        raise MemoryError

    def during(claims: Sequence[Claim]) -> None:
        monkeypatch.setattr(worker.reader, "prepare", fail)

    with pytest.raises(MemoryError):
        worker.run(during)
    assert not worker.leases._held
    assert read_job(redis_url, "a").counts.succeeded == BATCH


def test_what_was_read_is_committed_though_no_more_can_be_claimed(
    worker: Worker, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(redis_url, "a", (BATCH,) * 3)

    def fail(model: str, budget: int, others: object) -> list[Claim]:
        raise redis.ConnectionError

    def during(claims: Sequence[Claim]) -> None:
        if claims[0].chunk == 0:
            until(lambda: worker.reader.prepared == [1])
            monkeypatch.setattr(worker.ledger, "claim", fail)

    with pytest.raises(redis.ConnectionError):
        worker.run(during)
    assert read_job(redis_url, "a").counts.succeeded == 2 * BATCH


@pytest.mark.parametrize("trouble", [MISCONF, Cut.BEFORE], ids=str)
def test_no_image_is_suspected_because_redis_fails_its_reader(
    redis_url: str, clean_redis: "redis.Redis", trouble: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("redis.retry.sleep", lambda _: None)
    submit(redis_url, "a", (BLOCK + 1,))
    ledger(redis_url).claim("balanced", BATCH)  # by a worker that dies
    wait_out_lease(clean_redis)
    with Proxy(redis_url) as proxy:
        worker = Worker(proxy.url)
        first, last = "block 0", f"block {BLOCK}"
        proxy.plan = lambda command: trouble if last.encode() in command.parts else None
        with pytest.raises(redis.RedisError):
            worker.run(lambda claims: None)
        noted = keys.suspects("anonymous/a", 0)
        assert clean_redis.hkeys(noted) == [first.encode()]
        assert worker.run(lambda claims: None) == 0  # its lease is not over
        assert clean_redis.hkeys(noted) == []
        worker.drain.close()
