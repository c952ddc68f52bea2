"""The ledger's scripts on a real Redis: exactly once, fair, never forgotten, counts that add up."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import redis

from api.events.notifications import notified_jobs
from model.layout import Box
from worker.connections.connection import clock_ms
from worker.ledger import keys
from worker.ledger.chunks import Chunk, PixelBlock
from worker.ledger.chunks import pack as pack_chunk
from worker.ledger.claims import Commit
from worker.ledger.jobs import JobState, Options
from worker.ledger.journal import START
from worker.ledger.packing import pack
from worker.ledger.results import Answer, Failure, Found, Page, Result
from worker.ledger.submissions import Submission

from chaos.faults import Cut, Nth
from chaos.proxy import Proxy
from ledgers import (
    LABELS,
    LIMITS,
    commit_of,
    finish,
    in_journal,
    in_store,
    ledger,
    pass_over,
    read_job,
    read_stats,
    stage,
    submit,
    wait_out_lease,
    with_submissions,
)

MOST_OF_A_LEASE_S = 6
"""Twice this is more than a lease."""

JOBS = ("anonymous/done", "anonymous/held", "anonymous/waiting")

pytestmark = pytest.mark.usefixtures("clean_redis")


def assert_adds_up(url: str, job_id: str) -> None:
    counts = vars(read_job(url, job_id).counts)
    total = counts.pop("total")
    assert sum(counts.values()) == total
    assert all(count >= 0 for count in counts.values())


def test_a_submitted_job_is_read_and_succeeds(redis_url: str) -> None:
    assert submit(redis_url, "a").kind == "new"
    assert read_job(redis_url, "a").state is JobState.QUEUED
    finish(redis_url)
    job = read_job(redis_url, "a")
    assert job.state is JobState.SUCCEEDED
    assert job.counts.succeeded == 6
    assert job.ended is not None


def test_only_a_window_of_a_job_is_due(redis_url: str) -> None:
    submit(redis_url, "a", (2,) * 10)
    assert len(ledger(redis_url).claim("balanced", 1000)) == 3


def test_jobs_take_turns(redis_url: str) -> None:
    submit(redis_url, "large", (2,) * 50)
    submit(redis_url, "small", (2,) * 3)
    worker, order = ledger(redis_url), []
    while claims := worker.claim("balanced", 2):
        order += [claim.name for claim in claims]
        worker.commit([commit_of(claim) for claim in claims])
        time.sleep(0.002)  # the turn is taken by the millisecond
    assert "anonymous/small" not in order[12:]


def test_the_fast_lane_overtakes_but_leaves_a_quarter(redis_url: str) -> None:
    submit(redis_url, "bulk", (1,) * 3)
    for number in range(12):
        submit(redis_url, f"quick{number}", (1,), lane="interactive")
    names = [claim.name for claim in ledger(redis_url).claim("balanced", 8)]
    assert sum("quick" in name for name in names) == 6
    assert sum("bulk" in name for name in names) == 2


def test_a_page_weighs_as_much_as_its_characters(redis_url: str, clean_redis: "redis.Redis") -> None:
    submit(redis_url, "lines", (1,) * 9, layout="line", limits=replace(LIMITS, window=9))
    submit(redis_url, "pages", (1,) * 3, layout="page", lane="interactive")
    submit(redis_url, "quick", (1,), lane="interactive")
    names = [claim.name for claim in ledger(redis_url).claim("balanced", 100)]
    assert names == ["anonymous/pages", "anonymous/lines"]  # one of each lane, since they are sure
    names = [claim.name for claim in ledger(redis_url).claim("balanced", 2_000)]
    assert sorted(names) == [*["anonymous/lines"] * 8, *["anonymous/pages"] * 2, "anonymous/quick"]


def test_a_chunk_whose_worker_died_goes_before_whatever_else_is_due(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    submit(redis_url, "dying", (2,))
    worker = ledger(redis_url)
    assert len(worker.claim("balanced", 2)) == 1
    for number in range(100):
        submit(redis_url, f"due{number}", (2,), lane="interactive" if number % 2 else "bulk")
    wait_out_lease(clean_redis)
    (again,) = worker.claim("balanced", 100)
    assert (again.name, again.deliveries) == ("anonymous/dying", 2)
    worker.release([again])  # it stays first, and alone, though the second delivery does not count
    (third,) = worker.claim("balanced", 100)
    assert (third.name, third.deliveries) == ("anonymous/dying", 2)
    pass_over(clean_redis, MOST_OF_A_LEASE_S)
    assert worker.renew([third]) == 1
    pass_over(clean_redis, MOST_OF_A_LEASE_S)
    others = worker.claim("balanced", 4)
    assert "anonymous/dying" not in {claim.name for claim in others}
    assert set(worker.commit([commit_of(each) for each in (third, *others)])) == {"new"}
    finish(redis_url)
    assert clean_redis.keys("ink:leases:*") == []


def test_a_worker_commits_and_claims_what_is_next_in_one_call(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    submit(redis_url, "a", (2,) * 5, limits=replace(LIMITS, window=2))
    worker = ledger(redis_url)
    claims = worker.claim("balanced", 4)
    assert [claim.chunk for claim in claims] == [0, 1]
    verdicts, claims = worker.turn([commit_of(each) for each in claims], {"x": 3}, "balanced", 4)
    assert (verdicts, [claim.chunk for claim in claims]) == (["new", "new"], [2, 3])  # made due by it
    verdicts, (last,) = worker.turn([commit_of(claims[0]), commit_of(claims[1])], {}, "balanced", 4)
    assert worker.turn([commit_of(last), commit_of(last)], {}, "balanced", 4, ["digits"]) == (
        ["new", "duplicate"],
        [],
    )
    assert clean_redis.zcard("ink:lingering") == 1
    assert read_job(redis_url, "a").state is JobState.SUCCEEDED
    assert clean_redis.hget("ink:measures", "x") == b"3"


def test_the_lease_of_a_job_that_was_canceled_or_expired_is_cleared_away(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    submit(redis_url, "canceled", (2,))
    submit(redis_url, "expired", (2,), ttl_s=1)
    worker = ledger(redis_url)
    assert len(worker.claim("balanced", 4)) == 2
    in_store(redis_url, lambda store: store.cancel("anonymous/canceled"))
    wait_out_lease(clean_redis)
    assert worker.claim("balanced", 4) == []
    assert read_job(redis_url, "canceled").state is JobState.CANCELED
    worker.upkeep(["balanced"])
    assert clean_redis.keys("ink:leases:*") == clean_redis.keys("ink:due:*") == []


def test_bulk_never_starves_however_large_its_chunks(redis_url: str) -> None:
    submit(redis_url, "bulk", (8,))
    for number in range(12):
        submit(redis_url, f"quick{number}", (1,), lane="interactive")
    names = [claim.name for claim in ledger(redis_url).claim("balanced", 8)]
    assert names.count("anonymous/bulk") == 1
    assert len(names) == 7


def test_a_claim_is_no_more_than_what_is_quickly_passed_however_few_images_it_is(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    for name in "abcde":
        submit(redis_url, name, (1,), lane="interactive" if name < "d" else "bulk")
        clean_redis.set(f"ink:job:anonymous/{name}:in:0", bytes(9 << 20), keepttl=True)
    worker = ledger(redis_url)
    first = worker.claim("balanced", 100)
    assert [claim.name[-1] for claim in first] == ["a", "b", "d"]  # a lane's first in any case
    _, second = worker.turn([commit_of(claim) for claim in first], {}, "balanced", 100)
    assert [claim.name[-1] for claim in second] == ["c", "e"]


def test_a_second_commit_changes_nothing(redis_url: str) -> None:
    submit(redis_url, "a", (2,))
    worker = ledger(redis_url)
    (claim,) = worker.claim("balanced", 10)
    assert worker.commit([commit_of(claim), commit_of(claim)]) == ["new", "duplicate"]
    assert worker.commit([commit_of(claim, p=0.75)]) == ["different"]
    assert read_job(redis_url, "a").counts.succeeded == 2
    stats = read_stats(redis_url)
    assert stats["commits_duplicate"] == 1
    assert stats["commits_different"] == 1


def test_a_second_result_differs_if_it_says_something_else_and_not_by_the_last_bits(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    submit(redis_url, "a", (3,))
    worker = ledger(redis_url)
    (claim,) = worker.claim("balanced", 100)

    def verdict(*results: Result) -> str:
        failed = sum(isinstance(each, Failure) for each in results)
        return worker.commit([Commit(claim, pack(results), 3 - failed, failed)])[0]

    read, sure = Answer((1, 2), (0.5, 0.25), False), Answer((3, 2), (0.9, 0.05), False)
    lost = Failure("worker-lost", "2 workers were lost")
    assert verdict(read, sure, lost) == "new"
    assert verdict(read, sure, lost) == "duplicate"
    assert verdict(read, sure._replace(probabilities=(0.900_001, 0.05)), lost) == "duplicate"
    assert verdict(read, sure._replace(classes=(3, 4)), lost) == "duplicate"
    assert verdict(read, sure, replace(lost, detail="3 workers were lost")) == "duplicate"
    assert verdict(read, sure._replace(probabilities=(0.900_1, 0.05)), lost) == "different"
    assert verdict(read, sure._replace(probabilities=(0.9, 0.051)), lost) == "different"
    assert verdict(read, sure._replace(classes=(4, 2)), lost) == "different"
    assert verdict(read, sure, replace(lost, type="undecodable-image")) == "different"
    assert verdict(read, sure, sure) == "different"
    assert verdict(read, sure) == "different"


def test_second_results_of_a_page_are_compared_character_by_character(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    submit(redis_url, "a", (2,), layout="page")
    worker = ledger(redis_url)
    (claim,) = worker.claim("balanced", 100)

    def verdict(*pages: Sequence[Found]) -> str:
        results = [Page(tuple(page)) for page in pages]
        return worker.commit([Commit(claim, pack(results), 2, 0)])[0]

    one = Found(Answer((1, 2), (0.5, 0.25), False), Box(1, 2, 3, 4), 0, 0)
    two = Found(Answer((3, 2), (0.9, 0.05), False), Box(9, 2, 3, 4), 0, 1)
    noisy = two._replace(answer=two.answer._replace(probabilities=(0.900_001, 0.05)))
    other = two._replace(answer=two.answer._replace(classes=(4, 2)))
    assert verdict((one, two), (one,)) == "new"
    assert verdict((one, noisy), (one,)) == "duplicate"
    assert verdict((one, other), (one,)) == "different"
    assert verdict((one, two), (other,)) == "different"
    assert verdict((one,), (two, one)) == "different"
    assert verdict((one, two), ()) == "different"
    for moved in (two._replace(word=0), two._replace(box=Box(9, 2, 3, 5))):
        assert verdict((one, moved), (one,)) == "different"


def test_a_dead_workers_chunk_comes_back_alone(redis_url: str, clean_redis: "redis.Redis") -> None:
    submit(redis_url, "a", (2, 2))
    dead, alive = ledger(redis_url), ledger(redis_url)
    assert len(dead.claim("balanced", 2)) == 1
    wait_out_lease(clean_redis)
    submit(redis_url, "b", (2, 2))
    seen = []
    while claims := alive.claim("balanced", 100):
        seen.append([(claim.name, claim.chunk, claim.deliveries) for claim in claims])
        alive.commit([commit_of(claim) for claim in claims])
    assert [("anonymous/a", 0, 2)] in seen
    assert read_job(redis_url, "a").state is JobState.SUCCEEDED
    assert_adds_up(redis_url, "a")


def test_a_renewed_lease_is_kept(redis_url: str, clean_redis: "redis.Redis") -> None:
    def due() -> int:
        return clean_redis.zcount("ink:due:balanced:bulk", "-inf", clock_ms(clean_redis))

    submit(redis_url, "a", (2,))
    worker = ledger(redis_url)
    claims = worker.claim("balanced", 10)
    assert worker.claim("balanced", 10) == []
    assert due() == 0  # or doorbells would ring for it
    for _ in range(3):
        pass_over(clean_redis, MOST_OF_A_LEASE_S)
        assert worker.renew(claims) == 1
        assert worker.claim("balanced", 10) == []
        assert due() == 0


def test_a_lost_lease_is_not_renewed(redis_url: str, clean_redis: "redis.Redis") -> None:
    submit(redis_url, "a", (2,))
    slow, quick = ledger(redis_url), ledger(redis_url)
    claims = slow.claim("balanced", 10)
    wait_out_lease(clean_redis)
    assert len(quick.claim("balanced", 10)) == 1
    assert slow.renew(claims) == 0


def test_a_late_commit_of_a_lost_lease_counts_once(redis_url: str, clean_redis: "redis.Redis") -> None:
    submit(redis_url, "a", (2,))
    slow, quick = ledger(redis_url), ledger(redis_url)
    (late,) = slow.claim("balanced", 10)
    wait_out_lease(clean_redis)
    (second,) = quick.claim("balanced", 10)
    assert slow.commit([commit_of(late)]) == ["new"]
    assert quick.commit([commit_of(second)]) == ["duplicate"]
    assert read_job(redis_url, "a").counts.succeeded == 2
    assert_adds_up(redis_url, "a")


def test_a_released_claim_is_due_at_once_and_uncounted(redis_url: str) -> None:
    submit(redis_url, "a", (2,))
    worker = ledger(redis_url)
    claims = worker.claim("balanced", 10)
    worker.release(claims)
    assert read_job(redis_url, "a").counts.queued == 2
    (again,) = worker.claim("balanced", 10)
    assert again.deliveries == 1


def test_a_lost_lease_cannot_be_given_back(redis_url: str, clean_redis: "redis.Redis") -> None:
    submit(redis_url, "a", (2,))
    slow, quick = ledger(redis_url), ledger(redis_url)
    late = slow.claim("balanced", 10)
    wait_out_lease(clean_redis)
    assert len(quick.claim("balanced", 10)) == 1
    slow.release(late)
    assert quick.claim("balanced", 10) == []
    assert read_job(redis_url, "a").counts.running == 2


def test_what_is_running_is_counted(redis_url: str) -> None:
    submit(redis_url, "a", (3,) * 3)
    worker = ledger(redis_url)
    held = worker.claim("balanced", 6)
    assert read_job(redis_url, "a").counts.running == 6
    worker.commit([commit_of(held[0])])
    assert read_job(redis_url, "a").counts.running == 3
    worker.release(held[1:])
    assert read_job(redis_url, "a").counts.running == 0


def test_failed_images_make_a_job_partially_failed_or_failed(redis_url: str) -> None:
    submit(redis_url, "some", (2,))
    worker = ledger(redis_url)
    worker.commit([commit_of(claim, failed=1) for claim in worker.claim("balanced", 10)])
    submit(redis_url, "all", (2,))
    worker.commit([commit_of(claim, failed=2) for claim in worker.claim("balanced", 10)])
    assert read_job(redis_url, "some").state is JobState.PARTIALLY_FAILED
    assert read_job(redis_url, "all").state is JobState.FAILED


def test_inputs_go_with_their_commit_unless_kept(redis_url: str, clean_redis: "redis.Redis") -> None:
    submit(redis_url, "gone", (2,))
    submit(redis_url, "kept", (2,), keep=True)
    submit(redis_url, "part", (2,))
    worker = ledger(redis_url)
    for claim in worker.claim("balanced", 10):
        kept = b"failed images" if claim.name.endswith("part") else b""
        worker.commit([commit_of(claim, kept=kept)])
    assert not clean_redis.exists("ink:job:anonymous/gone:in:0")
    assert clean_redis.exists("ink:job:anonymous/kept:in:0")
    assert clean_redis.get("ink:job:anonymous/part:in:0") == b"failed images"


def test_cancel_stops_what_is_not_under_way(redis_url: str) -> None:
    submit(redis_url, "a", (2,) * 10)
    worker = ledger(redis_url)
    claims = worker.claim("balanced", 2)
    assert in_store(redis_url, lambda store: store.cancel("anonymous/a")) == "canceling"
    assert_adds_up(redis_url, "a")
    assert worker.claim("balanced", 100) == []
    worker.commit([commit_of(claim) for claim in claims])
    job = read_job(redis_url, "a")
    assert job.state is JobState.CANCELED
    assert (job.counts.succeeded, job.counts.canceled) == (2, 18)


@pytest.mark.parametrize("keep", [False, True])
def test_images_of_a_canceled_job_are_kept_if_that_was_asked(
    redis_url: str, clean_redis: "redis.Redis", keep: bool
) -> None:
    submit(redis_url, "a", (2,) * 5, keep=keep)
    worker = ledger(redis_url)
    claims = worker.claim("balanced", 4)
    worker.release(claims[1:])
    in_store(redis_url, lambda store: store.cancel("anonymous/a"))
    wait_out_lease(clean_redis)
    assert worker.claim("balanced", 100) == []
    assert read_job(redis_url, "a").counts.canceled == 10
    assert len(clean_redis.keys("ink:job:anonymous/a:in:*")) == (5 if keep else 0)
    assert {clean_redis.ttl(key) > 0 for key in clean_redis.keys("ink:job:*")} == {True}


def test_a_job_that_nobody_reads_is_canceled_at_once(redis_url: str) -> None:
    submit(redis_url, "a", (2,) * 10)
    assert in_store(redis_url, lambda store: store.cancel("anonymous/a")) == "canceled"
    assert read_job(redis_url, "a").counts.canceled == 20
    assert_adds_up(redis_url, "a")


def test_a_canceled_job_of_a_dead_worker_ends(redis_url: str, clean_redis: "redis.Redis") -> None:
    submit(redis_url, "a", (2,))
    ledger(redis_url).claim("balanced", 2)
    in_store(redis_url, lambda store: store.cancel("anonymous/a"))
    wait_out_lease(clean_redis)
    assert ledger(redis_url).claim("balanced", 2) == []
    assert read_job(redis_url, "a").state is JobState.CANCELED


def test_a_final_state_never_changes(redis_url: str, clean_redis: "redis.Redis") -> None:
    submit(redis_url, "a", (2,))
    worker = ledger(redis_url)
    (claim,) = worker.claim("balanced", 10)
    in_store(redis_url, lambda store: store.cancel("anonymous/a"))
    wait_out_lease(clean_redis)
    worker.claim("balanced", 10)
    assert worker.commit([commit_of(claim)]) == ["gone"]
    assert read_job(redis_url, "a").state is JobState.CANCELED
    assert in_store(redis_url, lambda store: store.cancel("anonymous/a")) == "canceled"


def test_the_same_submission_replays_and_another_is_refused(redis_url: str) -> None:
    assert submit(redis_url, "a").kind == "new"
    assert submit(redis_url, "a").kind == "replay"
    assert submit(redis_url, "a", fingerprint="other").kind == "mismatch"
    assert submit(redis_url, "b", idempotency="ink:idem:x").name == "anonymous/b"
    assert submit(redis_url, "c", idempotency="ink:idem:x").name == "anonymous/b"
    assert submit(redis_url, "d", idempotency="ink:idem:x", fingerprint="other").kind == "mismatch"


def test_a_replay_does_not_touch_the_standing_jobs_images(redis_url: str) -> None:
    submit(redis_url, "a", (2,))
    finish(redis_url)
    submit(redis_url, "a", (2,))
    job = read_job(redis_url, "a")
    payload, _ = in_store(redis_url, lambda store: store.payload(job, 0))
    assert payload is None


def test_caps_are_exact(redis_url: str) -> None:
    tight = replace(LIMITS, max_queued=10, max_open=2)
    assert submit(redis_url, "a", (6,), limits=tight).kind == "new"
    assert submit(redis_url, "b", (5,), limits=tight).kind == "full"
    assert submit(redis_url, "c", (4,), limits=tight).kind == "new"
    assert submit(redis_url, "d", (0,), limits=tight).kind == "many"
    finish(redis_url)
    assert submit(redis_url, "e", (6,), limits=tight).kind == "new"


def test_jobs_of_another_owner_are_not_there(redis_url: str) -> None:
    submit(redis_url, "a", owner="alice")
    assert in_store(redis_url, lambda store: store.job("bob/a")) is None
    assert submit(redis_url, "a", owner="bob").kind == "new"


def test_a_finished_job_can_be_forgotten_whole(redis_url: str, clean_redis: "redis.Redis") -> None:
    submit(redis_url, "a")
    assert in_store(redis_url, lambda store: store.delete("anonymous/a")) == "queued"
    finish(redis_url)
    assert in_store(redis_url, lambda store: store.delete("anonymous/a")) == "deleted"
    assert clean_redis.keys("ink:job:*") == []
    assert in_store(redis_url, lambda store: store.delete("anonymous/a")) == "missing"


def test_a_deletion_whose_answer_was_lost_is_not_taken_for_a_job_that_never_was(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    submit(redis_url, "a")
    finish(redis_url)
    assert in_store(redis_url, lambda store: store.delete("anonymous/none")) == "missing"
    with Proxy(redis_url) as proxy:
        proxy.plan = plan = Nth("EVALSHA delete", 1, Cut.AFTER)
        assert in_store(proxy.url, lambda store: store.delete("anonymous/a")) == "deleted"
        assert plan.struck.is_set()
    assert in_store(redis_url, lambda store: store.delete("anonymous/a")) == "missing"
    assert 0 < clean_redis.ttl("ink:deleted:anonymous/a") <= 60


def test_work_goes_on_a_lease_after_the_clock_was_set_back(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    submit(redis_url, "a", (2, 2, 2))
    living, dead = ledger(redis_url, "living"), ledger(redis_url, "dead")
    (held,), (_,) = living.claim("balanced", 2), dead.claim("balanced", 2)
    for worker in (living, dead):
        worker.heartbeat({"id": worker.worker})
    due, leases, hour = "ink:due:balanced:bulk", "ink:leases:balanced", 3_600_000
    for key in (due, leases, keys.WORKERS):
        for member in clean_redis.zrange(key, 0, -1):
            clean_redis.zincrby(key, hour, member)
    living.renew([held])
    living.heartbeat({"id": "living"})
    renewed = clean_redis.zscore(due, "anonymous/a#0")
    beat = clean_redis.zscore(keys.WORKERS, "living")
    living.upkeep(["balanced"])
    assert clean_redis.zscore(due, "anonymous/a#0") == renewed
    assert clean_redis.zscore(keys.WORKERS, "living") == beat
    assert clean_redis.zcount(keys.WORKERS, "-inf", beat + 5_000) == 2
    assert living.claim("balanced", 100) == []
    pass_over(clean_redis, MOST_OF_A_LEASE_S)
    assert living.renew([held]) == 1
    pass_over(clean_redis, MOST_OF_A_LEASE_S)
    found = [*living.claim("balanced", 100), *living.claim("balanced", 100)]
    assert sorted(claim.chunk for claim in found) == [1, 2]


@pytest.mark.parametrize("done", [True, False])
def test_an_expired_job_leaves_only_a_tombstone(
    redis_url: str, clean_redis: "redis.Redis", done: bool
) -> None:
    submit(redis_url, "a", (2,) * 5, ttl_s=1)
    worker = ledger(redis_url)
    held = worker.claim("balanced", 2)
    if done:
        worker.commit([commit_of(claim) for claim in held])
        finish(redis_url)
    pass_over(clean_redis, 2)
    assert worker.upkeep(["balanced"]) == 1
    state = in_store(redis_url, lambda store: store.job("anonymous/a"))
    assert state is JobState.EXPIRED
    assert clean_redis.keys("ink:job:*") == [b"ink:job:anonymous/a"]
    assert clean_redis.ttl("ink:job:anonymous/a") > 0
    assert int(clean_redis.get("ink:load") or 0) == 0
    assert clean_redis.hget("ink:open", "anonymous") == b"0"
    assert clean_redis.zcard("ink:due:balanced:bulk") == 0
    assert worker.commit([commit_of(claim) for claim in held]) == ["gone"]
    assert read_stats(redis_url).get("images_expired", 0) == (0 if done else 10)


def test_of_jobs_with_very_many_chunks_few_are_buried_in_one_call(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    for name in "ab":
        submit(redis_url, name, ttl_s=1)
        clean_redis.hset(f"ink:job:anonymous/{name}", "chunks", "20000")
    pass_over(clean_redis, 2)
    worker = ledger(redis_url)
    assert [worker.upkeep(["balanced"]) for _ in range(3)] == [1, 1, 0]
    assert sorted(clean_redis.keys("ink:job:*")) == [b"ink:job:anonymous/a", b"ink:job:anonymous/b"]


@pytest.mark.parametrize("days", [3, 60])
def test_jobs_that_expire_while_all_is_off_are_buried_whole(
    redis_url: str, clean_redis: "redis.Redis", days: int
) -> None:
    submit(redis_url, "done", (2,))
    finish(redis_url)
    submit(redis_url, "held", (2,) * 5)
    worker = ledger(redis_url)
    held = worker.claim("balanced", 2)
    submit(redis_url, "waiting", (2,) * 5, lane="interactive")
    pass_over(clean_redis, days * 86_400)
    assert worker.claim("balanced", 100) == []  # their images are gone, and nobody may read them
    assert worker.commit([commit_of(claim) for claim in held]) == ["gone"]
    for name in JOBS:
        assert in_store(redis_url, lambda store: store.job(name)) is JobState.EXPIRED  # noqa: B023
        assert in_store(redis_url, lambda store: store.cancel(name)) == "expired"  # noqa: B023
    assert submit(redis_url, "held", (2,) * 5).kind == "gone"
    assert worker.upkeep(["balanced"]) == 3
    assert sorted(clean_redis.keys("ink:job:*")) == [f"ink:job:{name}".encode() for name in JOBS]
    assert {clean_redis.get(key) for key in clean_redis.keys("ink:load*")} == {b"0"}
    assert clean_redis.hgetall("ink:open") == {b"anonymous": b"0"}
    for pattern in ("ink:line:*", "ink:owner:*", "ink:due:*", "ink:expiry"):
        assert clean_redis.keys(pattern) == []
    assert read_stats(redis_url)["jobs_ended:expired"] == 2


def test_every_key_of_a_job_expires_by_itself(redis_url: str, clean_redis: "redis.Redis") -> None:
    submit(redis_url, "a", (2,) * 4, name="scan.png", idempotency="ink:idem:x")
    worker = ledger(redis_url)
    (claim,) = worker.claim("balanced", 2)
    worker.suspect(claim, 0, -1)
    (other, *_) = worker.claim("balanced", 2)
    worker.commit([commit_of(other, failed=1, kept=b"failed images")])
    job = read_job(redis_url, "a")
    in_store(redis_url, lambda store: store.correct(job, {2 * other.chunk: "A"}))
    kept = [key for pattern in ("ink:job:*", "ink:idem:*") for key in clean_redis.keys(pattern)]
    parts = {key.split(b":")[3] for key in kept if key.count(b":") > 2}
    assert parts == {b"starts", b"in", b"names", b"hands", b"out", b"events", b"corrections"}
    assert {key for key in kept if clean_redis.ttl(key) < 0} == set()


def test_what_is_staged_outlasts_a_slow_upload_and_then_goes(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    chunk = Chunk(1, pack_chunk([b"file"]), ("scan.png",))
    with_submissions(redis_url, lambda submissions: stage(submissions, "token", [chunk]))
    lives = [clean_redis.ttl(key) for key in clean_redis.keys("ink:stage:*")]
    assert len(lives) == 2
    assert all(600 <= life <= 3600 for life in lives)


def test_a_job_whose_images_are_gone_is_refused(redis_url: str, clean_redis: "redis.Redis") -> None:
    job = Submission("anonymous", "a", "bulk", Options("balanced"), LABELS, "sha", {}, 600, "same")
    verdict = with_submissions(
        redis_url, lambda submissions: submissions.submit(job, "token", [2], LIMITS)
    )
    assert verdict.kind == "unstaged"
    assert [key for key in clean_redis.keys("ink:*") if clean_redis.type(key) != b"hash"] == []


def test_images_keep_their_names_and_an_uncommitted_chunk_its_images(redis_url: str) -> None:
    submit(redis_url, "a", (2, 1), name="scan.png")
    job = read_job(redis_url, "a")
    items = in_store(redis_url, lambda store: store.items(job, 0, 3))
    assert [(item.name, item.result) for item in items] == [("scan.png", None)] * 3
    for index, place in ((0, 0), (1, 1), (2, 0)):
        found = in_store(redis_url, lambda store: store.payload(job, index))  # noqa: B023
        assert found == (pack_chunk(PixelBlock(bytes(784 * (2 if index < 2 else 1)))), place)


def test_events_of_a_large_job_are_cheap(redis_url: str, clean_redis: "redis.Redis") -> None:
    """A million images are 4,000 chunks; here are 300, and what one costs."""
    submit(redis_url, "a", (1,) * 300)
    finish(redis_url)
    key = "ink:job:anonymous/a:events"
    assert clean_redis.xlen(key) == 301
    assert clean_redis.ttl(key) > 0
    assert clean_redis.memory_usage(key) < 301 * 50
    ids = [event_id for event_id, _ in clean_redis.xrange(key)]
    look = in_journal(redis_url, lambda journal: journal.look("anonymous/a", ids[-2].decode(), 100))
    assert [event.chunk for event in look.events] == [None]
    assert look.newest == ids[-1].decode()


def test_what_happened_to_a_job_of_one_chunk_is_noted_when_somebody_asks(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    for job_id in ("read", "canceled"):
        submit(redis_url, job_id, (2,))
    assert in_journal(redis_url, lambda journal: journal.newest("anonymous/read")) == ""
    in_store(redis_url, lambda store: store.cancel("anonymous/canceled"))
    finish(redis_url)
    assert not any(b":events" in key or b":starts" in key for key in clean_redis.keys("ink:job:*"))
    look = in_journal(redis_url, lambda journal: journal.look("anonymous/read", START, 5))
    first, end = look.events
    assert ([first.chunk, end.chunk], end.id) == ([0, None], look.newest)
    assert look.images_per_second == 10  # 2 in the shortest time that a rate is taken over
    again = in_journal(redis_url, lambda journal: journal.look("anonymous/read", first.id, 5))
    assert again.events == (end,)
    assert in_journal(redis_url, lambda journal: journal.newest("anonymous/read")) == end.id
    canceled = in_journal(redis_url, lambda journal: journal.look("anonymous/canceled", START, 5))
    assert [event.chunk for event in canceled.events] == [None]
    assert 600 < clean_redis.ttl("ink:job:anonymous/read:events") <= 600 + 3600
    job = read_job(redis_url, "read")
    items = in_store(redis_url, lambda store: store.chunk(job, 0))
    assert [item.name for item in items] == ["0", "1"]
    assert in_store(redis_url, lambda store: store.starts(job)) == (0, 2)


def note_done(client: "redis.Redis", ages_ms: Sequence[int]) -> None:
    """Events of job a as if a chunk of one image had been committed so long ago each."""
    seconds, micros = client.time()
    now = seconds * 1000 + micros // 1000
    with client.pipeline() as pipe:
        for number, age in enumerate(ages_ms):
            entry: Any = {"c": number, "n": number}
            pipe.xadd("ink:job:anonymous/a:events", entry, f"{now - age}-{number}")
        done: Any = {"started": now - 60_000, "succeeded": len(ages_ms)}
        pipe.hset("ink:job:anonymous/a", mapping=done)
        pipe.execute()


def test_a_rate_is_of_the_last_ten_seconds(redis_url: str, clean_redis: "redis.Redis") -> None:
    submit(redis_url, "a", (1,) * 100)
    note_done(clean_redis, [*range(40_000, 20_000, -1_000), *range(6_000, 0, -200)])
    look = in_journal(redis_url, lambda journal: journal.look("anonymous/a", START, 5))
    assert look.images_per_second == 3
    clean_redis.xadd("ink:job:anonymous/a:events", {"end": "succeeded"})
    look = in_journal(redis_url, lambda journal: journal.look("anonymous/a", START, 5))
    assert look.images_per_second == 3


def test_a_look_costs_no_more_where_much_happened_lately(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    submit(redis_url, "a", (1,) * 100)
    note_done(clean_redis, [0] * 10_000)

    def spent_us() -> int:
        clean_redis.config_resetstat()
        look = in_journal(redis_url, lambda journal: journal.look("anonymous/a", "9999999999999-0", 5))
        assert look.images_per_second == 1000
        spent: Any = clean_redis.info("commandstats")
        return sum(spent[f"cmdstat_{command}"]["usec"] for command in ("xrange", "xrevrange"))

    assert min(spent_us() for _ in range(20)) < 1000


def test_every_chunk_and_the_end_are_noted_once(redis_url: str, clean_redis: "redis.Redis") -> None:
    submit(redis_url, "a", (2, 3))
    worker = ledger(redis_url)
    commits = [commit_of(claim, failed=1) for claim in worker.claim("balanced", 10)]
    worker.commit([*commits, *reversed(commits)])
    noted = [fields for _, fields in clean_redis.xrange("ink:job:anonymous/a:events")]
    assert noted == [
        {b"c": b"0", b"n": b"0"},
        {b"c": b"1", b"n": b"2"},
        {b"end": b"partially_failed"},
    ]


def test_those_who_follow_are_told_of_every_change(redis_url: str, clean_redis: "redis.Redis") -> None:
    with clean_redis.pubsub() as heard:
        heard.subscribe(keys.CHANGED, keys.ENDED)
        submit(redis_url, "a", (2, 2))
        finish(redis_url)
        submit(redis_url, "b", (2,))
        held = ledger(redis_url).claim("balanced", 10)
        in_store(redis_url, lambda store: store.cancel("anonymous/b"))
        ledger(redis_url).commit([commit_of(claim) for claim in held])
        told = []
        while notification := heard.get_message(timeout=0.5):
            told.append(notification)
    notifications = [
        (each["channel"].decode(), name[-1])
        for each in told
        if each["type"] == "message"
        for name, _ in notified_jobs(each["data"])
    ]
    begun, gone_on, ended = (keys.CHANGED, "a"), (keys.CHANGED, "a"), (keys.ENDED, "a")
    canceled = [(keys.CHANGED, "b"), (keys.CHANGED, "b"), (keys.ENDED, "b")]
    assert notifications == [begun, gone_on, ended, *canceled]


def test_with_the_end_of_one_image_goes_what_it_says(redis_url: str, clean_redis: "redis.Redis") -> None:
    with clean_redis.pubsub() as heard:
        heard.subscribe(keys.ENDED)
        for job_id, sizes in (("a", (1,)), ("b", (1,)), ("c", (1, 1))):
            submit(redis_url, job_id, sizes)
        claims = ledger(redis_url).claim("balanced", 10)
        commits = [commit_of(claim, p=0.25 * place) for place, claim in enumerate(claims)]
        ledger(redis_url).commit([*commits, commits[0]])
        told = [notification for _ in range(2) if (notification := heard.get_message(timeout=0.5))]
        assert heard.get_message(timeout=0.1) is None
    (notification,) = (each["data"] for each in told if each["type"] == "message")
    said = {commit.claim.name: commit.results for commit in commits}
    said["anonymous/c"] = b""
    assert list(notified_jobs(notification)) == list(said.items())


def test_suspects_are_counted_and_cleared(redis_url: str, clean_redis: "redis.Redis") -> None:
    submit(redis_url, "a", (5,))
    worker = ledger(redis_url)
    (claim,) = worker.claim("balanced", 10)
    assert [worker.suspect(claim, index, index - 1) for index in range(4)] == [0, 0, 0, 0]
    wait_out_lease(clean_redis)
    # The worker died with image 3 in hand; the next one passes 0..2 again and finds it suspect.
    (claim,) = worker.claim("balanced", 10)
    assert [worker.suspect(claim, index, index - 1) for index in range(4)] == [0, 0, 0, 1]


def test_a_suspicion_that_an_older_version_noted_is_not_misread(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    submit(redis_url, "a", (5,))
    worker = ledger(redis_url)
    (claim,) = worker.claim("balanced", 10)
    clean_redis.hset(f"ink:job:{claim.name}:suspects:{claim.chunk}", "3", "1 by 57")
    assert worker.suspects(claim) == {}
    assert worker.suspect(claim, 3) == 0


def test_a_suspicion_whose_answer_was_lost_counts_once(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    submit(redis_url, "a", (2,))
    worker = ledger(redis_url)
    (claim,) = worker.claim("balanced", 10)
    assert [worker.suspect(claim, 0, -1) for _ in range(3)] == [0, 0, 0]
    wait_out_lease(clean_redis)
    (again,) = worker.claim("balanced", 10)
    assert [worker.suspect(again, 0, -1) for _ in range(3)] == [1, 1, 1]


def test_a_lost_lease_raises_no_suspicion(redis_url: str, clean_redis: "redis.Redis") -> None:
    submit(redis_url, "a", (2,))
    slow, quick = ledger(redis_url), ledger(redis_url)
    (late,) = slow.claim("balanced", 10)
    wait_out_lease(clean_redis)
    (claim,) = quick.claim("balanced", 10)
    slow.suspect(late, 0, -1)
    assert quick.suspect(claim, 0, -1) == 0
    quick.commit([commit_of(claim)])
    slow.suspect(late, 1, 0)
    assert in_store(redis_url, lambda store: store.delete("anonymous/a")) == "deleted"
    assert clean_redis.keys("ink:job:*") == []


def test_a_late_commit_for_a_deleted_job_is_none_for_the_next_of_its_name(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    submit(redis_url, "a", (2,))
    slow, quick = ledger(redis_url), ledger(redis_url)
    (late,) = slow.claim("balanced", 10)
    wait_out_lease(clean_redis)
    finish(redis_url)
    in_store(redis_url, lambda store: store.delete("anonymous/a"))
    submit(redis_url, "a", (2,), fingerprint="other images")
    assert slow.commit([commit_of(late)]) == ["gone"]
    (claim,) = quick.claim("balanced", 10)
    assert slow.commit([commit_of(late)]) == ["gone"]
    assert quick.commit([commit_of(claim, p=0.75)]) == ["new"]


def test_what_came_back_is_claimed_past_what_is_left_of_dead_jobs(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    submit(redis_url, "a-dead", (2,))
    submit(redis_url, "b-alive", (2,))
    worker = ledger(redis_url)
    assert len(worker.claim("balanced", 10)) == 2
    in_store(redis_url, lambda store: store.cancel("anonymous/a-dead"))
    wait_out_lease(clean_redis)
    assert [claim.name for claim in worker.claim("balanced", 10)] == ["anonymous/b-alive"]


def test_doorbells_are_no_more_than_workers(redis_url: str, clean_redis: "redis.Redis") -> None:
    worker = ledger(redis_url)
    for number in range(20):
        submit(redis_url, f"job{number}")
    assert clean_redis.llen("drain.balanced") == 1
    for name in ("one", "two", "three"):
        ledger(redis_url, name).heartbeat({"id": name})
    worker.upkeep(["balanced"])
    assert clean_redis.llen("drain.balanced") == 3


def turn_back(client: "redis.Redis", done: int, come: int) -> None:
    """Let images have been done `done` seconds ago, and jobs have come `come` seconds ago."""
    for key in client.keys("ink:done:*"):
        head, _, second = key.decode().rpartition(":")
        client.rename(key, f"{head}:{int(second) - done}")
    for line in client.keys("ink:line:*"):
        for name in client.zrange(line, 0, -1):
            client.zincrby(line, -1000 * come, name)


def test_a_job_knows_its_place_and_when_it_will_be_done(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    submit(redis_url, "first", (2,))
    submit(redis_url, "second", (2,) * 3)
    job = read_job(redis_url, "second")
    assert job.position == 1
    assert job.eta_seconds is None
    worker = ledger(redis_url)
    worker.commit([commit_of(claim) for claim in worker.claim("balanced", 2)])
    turn_back(clean_redis, done=2, come=4)
    job = read_job(redis_url, "second")
    assert job.position == 0
    assert job.eta_seconds is not None
    assert 2 * 6 / 2 <= job.eta_seconds <= 10 * 6 / 2  # two images in 2 to 10 seconds, and six to go


def test_how_long_a_job_waited_for_a_worker_does_not_count_for_its_end(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    submit(redis_url, "large", (2,) * 4)
    worker = ledger(redis_url)
    worker.commit([commit_of(claim) for claim in worker.claim("balanced", 2)])
    turn_back(clean_redis, done=1, come=9)
    eta = read_job(redis_url, "large").eta_seconds
    assert eta is not None
    assert eta < 8 * 6 / 2  # two images since they were done, not in all of 8 seconds or more


def test_how_little_was_done_before_a_job_came_says_nothing_about_its_end(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    submit(redis_url, "before", (1,))
    worker = ledger(redis_url)
    worker.commit([commit_of(claim) for claim in worker.claim("balanced", 1)])
    turn_back(clean_redis, done=4, come=0)
    submit(redis_url, "large", (2,) * 40)
    turn_back(clean_redis, done=0, come=3)
    assert read_job(redis_url, "large").eta_seconds is None  # not several minutes


def test_jobs_of_the_same_instant_are_all_listed(redis_url: str) -> None:
    for number in range(20):
        submit(redis_url, f"job{number}")
    seen: list[str] = []
    cursor = "9999999999999999"
    while rows := in_store(redis_url, lambda store: store.jobs("anonymous", cursor, 3)):  # noqa: B023
        seen += [name for name, _ in rows]
        cursor = rows[-1][1]
    assert seen == [f"anonymous/job{number}" for number in reversed(range(20))]


@pytest.mark.parametrize(
    ("stops", "sizes", "other"), [(False, (2, 2), True), (False, (3, 1), True), (True, (3, 1), False)]
)
def test_a_canceled_chunk_that_comes_back_is_counted_once(
    redis_url: str, clean_redis: "redis.Redis", stops: bool, sizes: Sequence[int], other: bool
) -> None:
    submit(redis_url, "a", sizes)
    one, another = ledger(redis_url), ledger(redis_url, lease_ms=60_000)
    (back,), (busy,) = one.claim("balanced", 1), another.claim("balanced", 1)
    if other:
        submit(redis_url, "waiting", (2,) * 3, owner="bob")
    in_store(redis_url, lambda store: store.cancel("anonymous/a"))
    if stops:
        one.release([back])
    else:
        wait_out_lease(clean_redis)
    another.claim("balanced", 100)
    assert_adds_up(redis_url, "a")
    assert read_job(redis_url, "a").counts.canceled == back.count
    assert another.commit([commit_of(busy)]) == ["new"]
    job = read_job(redis_url, "a")
    assert (job.state, job.counts.succeeded) == (JobState.CANCELED, busy.count)
    assert int(clean_redis.get("ink:load") or 0) == (6 if other else 0)
