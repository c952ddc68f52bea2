"""Requests under a key: one at a time, however often Redis is asked, and none for ever."""

import asyncio

import pytest
import redis

from api.idempotency import exclusive
from api.problems import Problem
from worker.ledger import submissions
from worker.ledger.submissions import Submissions

from chaos.faults import OOM, Cut, Fault, Nth
from chaos.proxy import Proxy
from ledgers import with_submissions

pytestmark = pytest.mark.usefixtures("clean_redis")


def test_who_asks_again_is_the_same_request(redis_url: str) -> None:
    async def ask(submissions: Submissions) -> list[bool]:
        return [await submissions.lock("o", "d", request) for request in ("one", "one", "two")]

    assert with_submissions(redis_url, ask) == [True, True, False]


def test_only_its_own_request_unlocks(redis_url: str, clean_redis: "redis.Redis") -> None:
    async def ask(submissions: Submissions) -> bool:
        await submissions.lock("o", "d", "one")
        await submissions.unlock("o", "d", "two")
        return await submissions.lock("o", "d", "two")

    assert not with_submissions(redis_url, ask)
    (key,) = clean_redis.keys("ink:lock:*")
    assert 0 < clean_redis.ttl(key) <= submissions.LOCK_S


def test_a_request_is_under_way_however_long_it_takes(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock_s, pause, pauses = submissions.LOCK_S, asyncio.sleep, list[float]()

    async def hurried(seconds: float) -> None:
        pauses.append(seconds)
        await pause(seconds / 20)

    monkeypatch.setattr(submissions, "LOCK_S", 1)
    monkeypatch.setattr(asyncio, "sleep", hurried)  # renewed often, however busy the machine is

    async def ask(submissions: Submissions) -> None:
        async with exclusive(submissions, "o", "d"):
            await pause(1.3)
            with pytest.raises(Problem, match="Wait"):
                async with exclusive(submissions, "o", "d"):
                    pass
        async with exclusive(submissions, "o", "d"):
            pass

    with_submissions(redis_url, ask)
    assert 2 * max(pauses) < lock_s  # one renewal may fail


@pytest.mark.parametrize("fault", [Cut.BEFORE, Cut.AFTER, Cut.MIDDLE])
def test_a_lost_reply_does_not_block_the_request_itself(redis_url: str, fault: Fault) -> None:
    async def ask(submissions: Submissions) -> None:
        async with exclusive(submissions, "o", "d"):
            pass

    with Proxy(redis_url) as proxy:
        proxy.plan = plan = Nth("EVALSHA lock", 1, fault)
        with_submissions(proxy.url, ask)
    assert plan.struck.is_set()


def test_what_cannot_unlock_does_not_spoil_the_answer(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    async def ask(submissions: Submissions) -> str:
        async with exclusive(submissions, "o", "d"):
            return "answer"

    with Proxy(redis_url) as proxy:
        proxy.plan = plan = Nth("EVALSHA unlock", 1, OOM)
        assert with_submissions(proxy.url, ask) == "answer"
    assert plan.struck.is_set()
    assert 0 < clean_redis.ttl(clean_redis.keys("ink:lock:*")[0]) <= submissions.LOCK_S
