"""Workers that have found nothing are woken by the submission itself; all others by a doorbell."""

import time

import pytest
import redis

from worker import ledger as ledgers
from worker.connection import connect
from worker.ledger import Ledger

from ledgers import LEASE_MS, finish, submit


def lingering(url: str, name: str, models: str = "balanced,letters") -> Ledger:
    """A worker of these models that has found nothing of `balanced`."""
    worker = Ledger(connect(url), LEASE_MS, name)
    worker.heartbeat(name, {"models": models})
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
    assert [worker.rung() for worker in woken] == ["balanced"]
    submit(redis_url, "b", (1, 1, 1))
    assert bells(clean_redis) == 1
    assert {worker.rung() for worker in (first, second)} - {""} == {"balanced"}


def test_who_is_gone_or_reads_other_models_is_not_rung_for(
    redis_url: str, clean_redis: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    lingering(redis_url, "other", "letters,digits")
    submit(redis_url, "a", (1,))
    assert bells(clean_redis) == 1
    finish(redis_url)
    clean_redis.delete("drain.balanced")
    monkeypatch.setattr(ledgers, "LINGER_MS", 20)
    late = lingering(redis_url, "late")
    time.sleep(0.03)
    submit(redis_url, "b", (1,))
    assert bells(clean_redis) == 1
    assert late.rung() == ""


def test_what_another_model_has_due_wakes_at_once(redis_url: str, clean_redis: "redis.Redis") -> None:
    submit(redis_url, "a", (1,))
    worker = Ledger(connect(redis_url), LEASE_MS, "w")
    assert worker.claim("letters", 10, ["digits", "balanced"]) == []
    assert worker.rung() == "balanced"
    assert clean_redis.zcard("ink:lingering") == 0
    finish(redis_url)
    assert worker.claim("letters", 10, ["digits", "balanced"]) == []
    assert clean_redis.zrange("ink:lingering", 0, -1) == [b"w"]
