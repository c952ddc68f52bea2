"""Requests under a key: one at a time, however often Redis is asked, and none for ever."""

import asyncio

import pytest
import redis

from api import idempotency
from api.idempotency import exclusive
from api.problems import Problem
from worker.ledger import entrance
from worker.ledger.entrance import Entrance

from chaos.faults import OOM, Cut, Fault, Nth
from chaos.proxy import Proxy
from ledgers import at_entrance

pytestmark = pytest.mark.usefixtures("clean_redis")


def test_who_asks_again_is_the_same_request(redis_url: str) -> None:
    async def ask(gate: Entrance) -> list[bool]:
        return [await gate.lock("o", "d", request) for request in ("one", "one", "two")]

    assert at_entrance(redis_url, ask) == [True, True, False]


def test_only_its_own_request_unlocks(redis_url: str, clean_redis: "redis.Redis") -> None:
    async def ask(gate: Entrance) -> bool:
        await gate.lock("o", "d", "one")
        await gate.unlock("o", "d", "two")
        return await gate.lock("o", "d", "two")

    assert not at_entrance(redis_url, ask)
    (key,) = clean_redis.keys("ink:lock:*")
    assert 0 < clean_redis.ttl(key) <= entrance.LOCK_S


def test_a_request_is_under_way_however_long_it_takes(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (entrance, idempotency):
        monkeypatch.setattr(module, "LOCK_S", 1)

    async def ask(gate: Entrance) -> None:
        async with exclusive(gate, "o", "d"):
            await asyncio.sleep(1.3)
            with pytest.raises(Problem, match="Wait"):
                async with exclusive(gate, "o", "d"):
                    pass
        async with exclusive(gate, "o", "d"):
            pass

    at_entrance(redis_url, ask)


@pytest.mark.parametrize("fault", [Cut.BEFORE, Cut.AFTER, Cut.MIDDLE])
def test_a_lost_reply_does_not_block_the_request_itself(redis_url: str, fault: Fault) -> None:
    async def ask(gate: Entrance) -> None:
        async with exclusive(gate, "o", "d"):
            pass

    with Proxy(redis_url) as proxy:
        proxy.plan = plan = Nth("EVALSHA lock", 1, fault)
        at_entrance(proxy.url, ask)
    assert plan.struck.is_set()


def test_what_cannot_unlock_does_not_spoil_the_answer(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    async def ask(gate: Entrance) -> str:
        async with exclusive(gate, "o", "d"):
            return "answer"

    with Proxy(redis_url) as proxy:
        proxy.plan = plan = Nth("EVALSHA unlock", 1, OOM)
        assert at_entrance(proxy.url, ask) == "answer"
    assert plan.struck.is_set()
    assert 0 < clean_redis.ttl(clean_redis.keys("ink:lock:*")[0]) <= entrance.LOCK_S
