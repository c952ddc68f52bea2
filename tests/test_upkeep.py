"""The thread of upkeep: what waits is rung for and what is over is buried, without anybody's asking."""

import logging
from collections.abc import Iterable

import pytest
import redis

from worker.ledger.jobs import JobState
from worker.upkeep import upkeep

from ledgers import in_store, ledger, pass_over, submit
from waiting import until


def test_it_rings_and_buries_until_it_is_stopped(
    redis_url: str, clean_redis: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(redis_url, "late", (2,), ttl_s=60)
    pass_over(clean_redis, 60)
    submit(redis_url, "waiting", (2,))
    clean_redis.delete("drain.balanced")  # the doorbell is lost
    monkeypatch.setattr("worker.upkeep.ROUND_S", 0.02)
    thread = upkeep(ledger(redis_url), ["balanced"])
    thread.start()
    until(lambda: clean_redis.zcard("ink:expiry") == 1)
    thread.stop()
    thread.join(5)
    assert not thread.is_alive()
    assert clean_redis.llen("drain.balanced") == 1
    assert clean_redis.hget("ink:job:anonymous/late", "state") == b"expired"
    assert in_store(redis_url, lambda store: store.job("anonymous/late")) is JobState.EXPIRED


def test_many_that_are_over_are_buried_at_once(
    redis_url: str, clean_redis: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(40):
        submit(redis_url, f"late{number}", (1,), ttl_s=60, staged=False)
    pass_over(clean_redis, 60)
    monkeypatch.setattr("worker.upkeep.ROUND_S", 60.0)
    thread = upkeep(ledger(redis_url), ["balanced"])
    thread.start()
    until(lambda: not clean_redis.zcard("ink:expiry"))  # in the first round: it takes 16 at a time
    thread.stop()
    thread.join(5)
    assert clean_redis.get("ink:load") == b"0"


@pytest.mark.parametrize("error", [redis.ConnectionError("gone"), KeyError("a fault of ours")])
def test_it_outlives_what_goes_wrong_and_tells_of_it_once(
    redis_url: str,
    clean_redis: "redis.Redis",
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    caplog.set_level(logging.INFO)
    own, errors = ledger(redis_url), [error] * 3
    really = own.upkeep

    def fails(models: Iterable[str]) -> int:
        if errors:
            raise errors.pop()
        return really(models)

    monkeypatch.setattr(own, "upkeep", fails)
    submit(redis_url, "waiting", (2,))
    clean_redis.delete("drain.balanced")
    monkeypatch.setattr("worker.upkeep.ROUND_S", 0.02)
    thread = upkeep(own, ["balanced"])
    thread.start()
    until(lambda: clean_redis.exists("drain.balanced"))
    thread.stop()
    thread.join(5)
    known = isinstance(error, redis.RedisError)
    assert [each.levelname for each in caplog.records] == ["WARNING" if known else "ERROR", "INFO"]
