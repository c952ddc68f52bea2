"""What the ledger counts, measures and says of its queues, without any process of ours."""

import time
from dataclasses import replace

import pytest
import redis

from worker.ledger import keys
from worker.ledger.claims import Claim
from worker.ledger.gauges import Backlog, Gauges, Memory
from worker.ledger.jobs import Options
from worker.ledger.measures import (
    BATCH,
    FORWARD,
    SCALES,
    WAIT,
    ForwardPass,
    Histogram,
    Measures,
    histograms,
)
from worker.ledger.scripts import source

from chaos.faults import Cut, Nth
from chaos.proxy import Proxy
from ledgers import (
    LEASE_MS,
    commit_of,
    finish,
    in_store,
    ledger,
    on_redis,
    pass_over,
    read_stats,
    submit,
    wait_out_lease,
)

pytestmark = pytest.mark.usefixtures("clean_redis")


def backlog(url: str) -> Backlog:
    (found,) = on_redis(url, lambda client: Gauges(client).backlogs(["balanced"]))
    return found


def test_a_queue_is_seen_at_one_instant(redis_url: str, clean_redis: "redis.Redis") -> None:
    submit(redis_url, "a", (2,) * 5)  # a window of three is due
    submit(redis_url, "b", (1,), lane="interactive")
    time.sleep(0.05)
    interactive, bulk = backlog(redis_url).lanes
    assert [lane.lane for lane in (interactive, bulk)] == ["interactive", "bulk"]
    assert (interactive.jobs, interactive.images, interactive.due) == (1, 1, 1)
    assert (bulk.jobs, bulk.images, bulk.due, bulk.leased) == (1, 10, 3, 0)
    assert bulk.oldest_s is not None
    assert 0.05 <= bulk.oldest_s < 5
    ledger(redis_url).claim("balanced", 100)
    bulk = backlog(redis_url).lanes[1]
    assert (bulk.images, bulk.due, bulk.leased, bulk.oldest_s) == (10, 0, 3, None)
    wait_out_lease(clean_redis)
    bulk = backlog(redis_url).lanes[1]
    assert (bulk.due, bulk.leased) == (3, 0)
    assert bulk.oldest_s is not None
    assert bulk.oldest_s < LEASE_MS / 1000  # due since the lease ran out, not since it came


def test_an_idle_queue_is_empty(redis_url: str) -> None:
    submit(redis_url, "a")
    finish(redis_url)
    found = backlog(redis_url)
    assert found.images == 0
    idle = [(lane.jobs, lane.due, lane.leased, lane.oldest_s) for lane in found.lanes]
    assert idle == [(0, 0, 0, None)] * 2


def test_failures_are_counted_by_type_and_once(redis_url: str) -> None:
    submit(redis_url, "a", (3,))
    worker = ledger(redis_url)
    (claim,) = worker.claim("balanced", 10)
    failures = {"undecodable-image": 1, "worker-lost": 1}
    commit = replace(commit_of(claim, failed=2), failures=failures)
    assert worker.commit([commit, commit]) == ["new", "duplicate"]
    stats = read_stats(redis_url)
    assert stats["failures:undecodable-image"] == stats["failures:worker-lost"] == 1
    assert stats["images_failed"] == 2


def test_jobs_are_counted_by_how_they_ended(redis_url: str, clean_redis: "redis.Redis") -> None:
    submit(redis_url, "done")
    finish(redis_url)
    submit(redis_url, "canceled")
    in_store(redis_url, lambda store: store.cancel("anonymous/canceled"))
    submit(redis_url, "late", ttl_s=1)
    pass_over(clean_redis, 2)
    ledger(redis_url).upkeep(["balanced"])
    stats = read_stats(redis_url)
    ended = {field: value for field, value in stats.items() if field.startswith("jobs_ended:")}
    assert ended == {"jobs_ended:succeeded": 1, "jobs_ended:canceled": 1, "jobs_ended:expired": 1}


def test_a_claim_knows_how_long_it_was_due_and_who_claimed(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    submit(redis_url, "a", (2,))
    time.sleep(0.1)
    worker = ledger(redis_url, "w-1")
    worker.heartbeat({"id": "w-1"})
    assert clean_redis.hget("ink:worker:w-1", "first_claim") is None
    (claim,) = worker.claim("balanced", 10)
    assert 100 <= claim.waited_ms < 5000
    ready, first = clean_redis.hmget("ink:worker:w-1", "ready", "first_claim")
    assert ready is not None
    assert first is not None
    assert int(ready) <= int(first)
    time.sleep(0.01)
    worker.heartbeat({"id": "w-1"})
    assert clean_redis.hmget("ink:worker:w-1", "ready", "first_claim") == [ready, first]
    assert clean_redis.ttl("ink:worker:w-1") > 0


def test_what_was_measured_is_added_up_with_the_commits(redis_url: str) -> None:
    worker, measures = ledger(redis_url), Measures()
    for number in range(2):
        submit(redis_url, f"job{number}", (2,))
        claims = worker.claim("balanced", 10)
        passes = [ForwardPass(2, 0.0, 0.0004, 0.02), ForwardPass(100, 0.0, 0.0004, 99.0)]
        measures.add_batch("balanced", claims, passes)
        commits = [commit_of(claim) for claim in claims]
        assert worker.commit(commits, measures.take()) == ["new"]
        assert not measures.take()
    fields = on_redis(redis_url, lambda client: Gauges(client).measures())
    ((model, batch),) = histograms(fields, BATCH)
    assert (model, batch.sum, sum(batch.counts)) == ("balanced", 204.0, 4)
    assert batch.counts[:2] == (0, 2)  # up to 1, up to 2
    ((_, forward),) = histograms(fields, FORWARD)
    assert forward == Histogram((0, 0, 0, 0, 2, *[0] * 8, 2), 198.04)
    ((_, wait),) = histograms(fields, WAIT)
    assert sum(wait.counts) == 2


def test_what_was_measured_counts_once_though_the_answer_was_lost(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    submit(redis_url, "job", (2,))
    clean_redis.script_load(source("commit"))
    with Proxy(redis_url) as proxy:
        worker = ledger(proxy.url)
        commits = [commit_of(claim) for claim in worker.claim("balanced", 10)]
        proxy.plan = Nth("EVALSHA commit", 1, Cut.AFTER)
        assert worker.commit(commits, {"x": 3}) == ["duplicate"]
    assert clean_redis.hgetall(keys.MEASURES) == {b"x": b"3"}


def test_memory_is_what_redis_says(redis_url: str, clean_redis: "redis.Redis") -> None:
    memory = on_redis(redis_url, lambda client: Gauges(client).memory())
    assert memory.used > 100_000
    assert memory.limit > memory.used
    clean_redis.config_set("maxmemory", 10**9)
    try:
        limited = on_redis(redis_url, lambda client: Gauges(client).memory())
        assert limited == Memory(limited.used, 10**9)
    finally:
        clean_redis.config_set("maxmemory", memory.limit)


def test_each_measure_is_told_apart_and_what_waited_for_a_lease_says_nothing_of_the_queue() -> None:
    claims = [
        Claim("o/a", 0, 1, deliveries, 1, Options("m"), b"", "A", waited_ms=250) for deliveries in (1, 2)
    ]
    measures = Measures()
    measures.add_batch("m", claims, [ForwardPass(3, 0.0, 0.5, 2.0)])
    fields = measures.take()
    assert {scale.name: dict(histograms(fields, scale))["m"].sum for scale in SCALES} == {
        "batch_images": 3,
        "decode_seconds": 0.5,
        "forward_seconds": 2.0,
        "chunk_wait_seconds": 0.25,
    }
    assert not measures.take()


def test_a_worker_of_which_nothing_is_known_is_none(redis_url: str, clean_redis: "redis.Redis") -> None:
    clean_redis.zadd(keys.WORKERS, {"gone": 10**13})
    assert on_redis(redis_url, lambda client: Gauges(client).workers()) == []
