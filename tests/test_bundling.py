"""Bundled commands: one round trip for what is asked together, and each caller's own answer."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis

from worker.connections import bundling
from worker.connections.bundling import LARGE, BundlingRedis
from worker.connections.connection import connect, connect_async
from worker.connections.joining import TOGETHER
from worker.ledger.admission import Verdict
from worker.ledger.chunks import Chunk, pack
from worker.ledger.jobs import Options
from worker.ledger.scripts import source
from worker.ledger.submissions import Submission, Submissions

from chaos.faults import Recorder
from chaos.proxy import Proxy
from ledgers import LIMITS, ledger
from services import running_redis


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_redis(tmp_path_factory.mktemp("bundling")) as url:
        yield url


def reads(client: redis.Redis) -> int:
    """How often Redis has read from a socket so far."""
    return int(client.info("stats")["total_reads_processed"])


def test_what_is_asked_together_shares_round_trips_and_each_gets_its_own_answer(url: str) -> None:
    async def talk() -> None:
        with connect(url) as watcher:
            async with connect_async(url) as client:
                await asyncio.gather(*(client.set(f"k{number}", number) for number in range(200)))
                before = reads(watcher)
                found = await asyncio.gather(*(client.get(f"k{number}") for number in range(200)))
                assert found == [str(number).encode() for number in range(200)]
                assert reads(watcher) - before < 20

    asyncio.run(talk())


def test_an_error_is_told_to_whom_it_belongs_alone(url: str) -> None:
    async def talk() -> None:
        async with connect_async(url) as client:
            await client.set("text", "x")
            asked = (client.get("text"), client.incr("text"), client.get("text"))
            first, wrong, last = await asyncio.gather(*asked, return_exceptions=True)
            assert first == last == b"x"
            assert isinstance(wrong, redis.ResponseError)

    asyncio.run(talk())


def test_a_script_that_redis_does_not_know_goes_with_the_call(url: str) -> None:
    async def talk() -> None:
        async with connect_async(proxy.url) as client:
            await client.script_flush()
            script = client.register_script("return tonumber(ARGV[1]) + 1")
            answers = [await script(args=[number]) for number in range(2)]
            answers += await asyncio.gather(*(script(args=[number]) for number in range(2, 5)))
            assert answers == [1, 2, 3, 4, 5]

    with Proxy(url) as proxy:
        proxy.plan = sent = Recorder()
        asyncio.run(talk())
    scripted = [name.split()[0] for name in sent.names if name.startswith("EVAL")]
    assert scripted == ["EVALSHA", "EVAL", *["EVALSHA"] * 4]  # so no SCRIPT FLUSH can come between


def entering(url: str, asked: Sequence[dict[str, Any]]) -> list[Verdict | BaseException]:
    """What is said to jobs of two images that come to one gateway in the same instant."""
    limits = replace(LIMITS, max_queued=100)
    job = Submission("alice", "", "bulk", Options("balanced"), "ABC", "sha", {}, 60, "same")
    chunks = [Chunk(1, pack([each])) for each in (b"one", b"two")]

    async def enter() -> list[Verdict | BaseException]:
        async with connect_async(url) as client:
            await client.script_load(source("submit"))
            submissions = Submissions(client)
            jobs = [replace(job, **each) for each in asked]
            coming = (submissions.enter(each, chunks, limits) for each in jobs)
            return await asyncio.gather(*coming, return_exceptions=True)

    return asyncio.run(enter())


def calls(client: redis.Redis) -> int:
    """How many scripts were called since the last reset."""
    return int(client.info("commandstats")["cmdstat_evalsha"]["calls"])


def test_submissions_that_come_together_are_one_call_in_which_each_counts(
    redis_url: str, clean_redis: redis.Redis
) -> None:
    clean_redis.config_resetstat()
    keyed = [{"id": each, "idempotency": "ink:idem:x"} for each in "bc"]
    again = [{"id": "a"}, {"id": "a", "fingerprint": "other"}]
    said = entering(redis_url, [{"id": "a"}, *again, *keyed, {"id": "d"}])
    assert calls(clean_redis) == 1
    new, replay = {each: Verdict("new", f"alice/{each}") for each in "abd"}, "replay"
    assert said[:3] == [new["a"], Verdict(replay, "alice/a"), Verdict("mismatch")]
    assert said[3:] == [new["b"], Verdict(replay, "alice/b"), new["d"]]
    assert clean_redis.get("ink:load") == clean_redis.get("ink:peak") == b"6"
    assert clean_redis.hgetall("ink:open") == {b"alice": b"3"}
    listed = clean_redis.zrange("ink:owner:alice", 0, -1, withscores=True)
    assert [name for name, _ in listed] == [b"alice/a", b"alice/b", b"alice/d"]
    assert len({score for _, score in listed}) == 3  # so that a page of them can end anywhere
    claims = ledger(redis_url).claim("balanced", 100)
    assert sorted(claim.name for claim in claims) == sorted(2 * ["alice/a", "alice/b", "alice/d"])


def test_caps_are_exact_within_a_call_and_calls_are_not_too_large(
    redis_url: str, clean_redis: redis.Redis
) -> None:
    clean_redis.config_resetstat()
    said = entering(redis_url, [{"id": f"job{number}"} for number in range(TOGETHER + 20)])
    assert calls(clean_redis) == 2
    assert [each.kind for each in said if isinstance(each, Verdict)] == ["new"] * 50 + ["full"] * 2
    assert clean_redis.get("ink:load") == b"100"


def test_what_fails_in_a_joint_call_fails_for_all(redis_url: str, clean_redis: redis.Redis) -> None:
    clean_redis.set("ink:open", "no hash")
    said = entering(redis_url, [{"id": "a"}, {"id": "b"}])
    assert [type(each) for each in said] == [redis.ResponseError] * 2
    assert clean_redis.keys("ink:job:*") == []


def test_who_no_longer_waits_takes_nobody_with_them(url: str) -> None:
    async def talk() -> None:
        async with connect_async(url) as client:
            await client.set("text", "x")
            leaving, staying = (asyncio.create_task(client.get("text")) for _ in range(2))
            await asyncio.sleep(0)
            leaving.cancel()
            assert await staying == b"x"
            assert leaving.cancelled() or await asyncio.wait([leaving])

    asyncio.run(talk())


def test_a_large_command_travels_alone(url: str) -> None:
    async def talk() -> None:
        async with connect_async(url) as client:
            assert isinstance(client, BundlingRedis)
            large = asyncio.create_task(client.set("large", bytes(LARGE + 1)))
            await asyncio.sleep(0)
            assert not client._carriers
            assert await large
            assert await client.strlen("large") == LARGE + 1

    asyncio.run(talk())


def test_everyone_is_told_when_redis_is_gone(tmp_path: Path) -> None:
    async def talk() -> None:
        with running_redis(tmp_path) as url:
            pass
        async with connect_async(url) as client:
            said = await asyncio.gather(*(client.get("k") for _ in range(3)), return_exceptions=True)
        assert [type(each) for each in said] == [redis.ConnectionError] * 3

    asyncio.run(talk())


def test_what_is_asked_as_the_last_bundle_ends_is_carried_too(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundling, "UNDER_WAY", 1)

    async def talk() -> None:
        async with connect_async(url) as client, asyncio.timeout(5):
            await client.set("text", "x")
            assert [await client.get("text") for _ in range(3)] == [b"x"] * 3

    asyncio.run(talk())
