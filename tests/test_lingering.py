"""Workers that have found nothing are woken by the submission itself; all others by a doorbell."""

import time

import pytest
import redis

from worker.ledger import ledger as ledgers
from worker.ledger.chunks import PixelBlock, unpack
from worker.ledger.ledger import Ledger

from ledgers import commit_of, finish, ledger, read_job, submit, wait_out_lease


def lingering(
    url: str, name: str, models: str = "balanced,letters", *, for_ms: int = 60_000, **facts: str
) -> Ledger:
    """A worker of these models, and with these `facts`, that has found nothing of `balanced`."""
    worker = ledger(url, name)
    worker.heartbeat({"models": models, **facts})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledgers, "LINGER_MS", for_ms)
        assert worker.claim("balanced", 10, models.split(",")[1:]) == []
    return worker


def bells(client: "redis.Redis") -> int:
    return client.llen("drain.balanced")


def test_a_submission_wakes_one_that_lingers_and_rings_for_others(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    first, second = lingering(redis_url, "first"), lingering(redis_url, "second")
    submit(redis_url, "a", (1,))
    assert bells(clean_redis) == 0
    woken = [worker for worker in (first, second) if clean_redis.exists(f"ink:wake:{worker.worker}")]
    assert [worker.rung() for worker in woken] == [("balanced", [])]
    submit(redis_url, "b", (1, 1, 1))
    assert bells(clean_redis) == 1
    assert {worker.rung()[0] for worker in (first, second)} - {""} == {"balanced"}


def test_who_is_gone_or_reads_other_models_is_not_rung_for(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    lingering(redis_url, "other", "letters,digits")
    submit(redis_url, "a", (1,))
    assert bells(clean_redis) == 1
    finish(redis_url)
    clean_redis.delete("drain.balanced")
    late = lingering(redis_url, "late", for_ms=20)
    time.sleep(0.03)
    submit(redis_url, "b", (1,))
    assert bells(clean_redis) == 1
    assert late.rung() == ("", [])


def test_what_another_model_has_due_wakes_at_once(redis_url: str, clean_redis: "redis.Redis") -> None:
    submit(redis_url, "a", (1,))
    worker = ledger(redis_url, "w")
    assert worker.claim("letters", 10, ["digits", "balanced"]) == []
    assert worker.rung() == ("balanced", [])
    assert clean_redis.zcard("ink:lingering") == 0
    finish(redis_url)
    assert worker.claim("letters", 10, ["digits", "balanced"]) == []
    assert clean_redis.zrange("ink:lingering", 0, -1) == [b"w"]


def test_who_tells_how_much_it_takes_is_handed_it_with_the_bell(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    worker = lingering(redis_url, "w", budget="10")
    submit(redis_url, "a", (3,), staged=False)
    model, (claim,) = worker.rung()
    assert model == "balanced"
    assert (claim.name, claim.chunk, claim.deliveries, claim.count) == ("anonymous/a", 0, 1, 3)
    assert unpack(claim.payload) == PixelBlock(bytes(3 * 784))
    assert read_job(redis_url, "a").counts.running == 3
    assert worker.renew([claim]) == 1
    assert worker.commit([commit_of(claim)]) == ["new"]


def test_large_chunks_are_asked_for(redis_url: str, clean_redis: "redis.Redis") -> None:
    worker = lingering(redis_url, "w", budget="10")
    submit(redis_url, "a", (30,), staged=False)
    assert worker.rung() == ("balanced", [])


def test_what_was_handed_to_one_who_is_gone_comes_back_with_its_lease(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    worker = lingering(redis_url, "w", budget="10")
    submit(redis_url, "a", (1,), staged=False)
    assert ledger(redis_url).claim("balanced", 10) == []
    wait_out_lease(clean_redis)
    (claim,) = ledger(redis_url).claim("balanced", 10)
    assert claim.deliveries == 2
    _, late = worker.rung()
    assert worker.renew(late) == 0
