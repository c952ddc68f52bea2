"""At maxmemory: nothing new is stored, and everything that works off what was stored goes on."""

from collections.abc import Iterator

import pytest
import redis

from worker.ledger.gauges import Gauges
from worker.ledger.ledger import Ledger
from worker.ledger.limiters import StreamSemaphores, TokenBuckets
from worker.ledger.scripts.linking import RELIEVED
from worker.sender import Sender
from worker.settings import SenderSettings

from ledgers import commit_of, in_store, ledger, on_redis, pass_over, read_job, submit
from waiting import until

EVERYTHING = {
    "claim",
    "renew",
    "suspect",
    "absolve",
    "commit",
    "release",
    "turn",
    "cancel",
    "delete",
    "upkeep",
}


@pytest.fixture
def full(redis_url: str, clean_redis: "redis.Redis") -> Iterator["redis.Redis"]:
    """A Redis with two jobs of two chunks, and no memory for anything more."""
    for job in ("a", "b"):
        assert submit(redis_url, job, (2, 2)).kind == "new"
    usual = clean_redis.config_get("maxmemory")["maxmemory"]
    clean_redis.config_set("maxmemory", "1mb")
    try:
        yield clean_redis
    finally:
        clean_redis.config_set("maxmemory", usual)


def work(worker: Ledger, budget: int = 100) -> None:
    """Claim, hold on, look at an image and commit, until nothing is due."""
    while claims := worker.claim("balanced", budget):
        assert worker.renew(claims) == len(claims)
        worker.suspect(claims[0], 0, -1)
        measured = {"batch_images|balanced|1": 1}
        assert set(worker.commit([commit_of(claim) for claim in claims], measured)) == {"new"}


def test_what_was_stored_is_read_to_its_end(redis_url: str, full: "redis.Redis") -> None:
    worker = ledger(redis_url)
    worker.release(worker.claim("balanced", 1))
    assert in_store(redis_url, lambda store: store.cancel("anonymous/b")) == "canceled"
    work(worker)
    assert read_job(redis_url, "a").counts.succeeded == 4
    assert in_store(redis_url, lambda store: store.delete("anonymous/a")) == "deleted"
    full.config_set("maxmemory", 0)  # time itself takes memory, the way it is made to pass here
    pass_over(full, 8 * 86_400)
    full.config_set("maxmemory", "1mb")
    assert worker.upkeep(["balanced"]) == 1


def test_nothing_new_is_stored(redis_url: str, full: "redis.Redis") -> None:
    for staged in (True, False):
        assert submit(redis_url, "c", (1,), staged=staged).kind in ("memory", "large")
    assert not full.exists("ink:job:anonymous/c")


def test_all_that_works_off_is_relieved() -> None:
    assert {*RELIEVED} == EVERYTHING | {"dispatch", "conclude", "follow", "bucket", "semaphore", "beat"}


def test_who_reads_or_deletes_is_counted_though_all_is_full(redis_url: str, full: "redis.Redis") -> None:
    async def come(client: redis.asyncio.Redis) -> None:
        buckets, semaphores = TokenBuckets(client), StreamSemaphores(client)
        assert [(await buckets.take("a", 0.01, 1)).granted for _ in range(2)] == [True, False]
        assert [await semaphores.acquire("a", 1, each) for each in ("one", "two")] == [True, False]

    on_redis(redis_url, come)


def test_who_is_alive_is_known_to_be_though_all_is_full(redis_url: str, full: "redis.Redis") -> None:
    ledger(redis_url, "w").heartbeat({"id": "w", "models": "balanced"})
    assert [each["id"] for each in on_redis(redis_url, lambda client: Gauges(client).workers())] == ["w"]
    sender = Sender(SenderSettings(redis_url=redis_url))
    sender.start()
    try:
        until(lambda: full.zcard("ink:senders"))
    finally:
        sender.close()
    assert not full.zcard("ink:senders")
