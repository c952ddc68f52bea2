"""A Redis that says nothing is waited for by one caller at a time, and heard once it speaks again."""

import asyncio
import math
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from typing import TypeAlias

import pytest
import redis
import redis.asyncio

from worker.connections import bundling, circuit_breaker, connection
from worker.connections.bundling import LARGE, MOST, UNDER_WAY
from worker.connections.circuit_breaker import PROBE_AFTER_S, CircuitBreaker
from worker.connections.connection import UNHEARD_MS

from chaos.proxy import Proxy
from ledgers import on_redis

Client: TypeAlias = "redis.asyncio.Redis"
SILENT_S = 0.6
IDLE_S = connection.TIMEOUTS["health_check_interval"]


@pytest.fixture
def usual_proxy(redis_url: str) -> Iterator[Proxy]:
    """Who connects through it is as patient as a gateway is."""
    with Proxy(redis_url) as running:
        yield running


@pytest.fixture
def proxy(usual_proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Proxy:
    """Who connects through it waits no longer than SILENT_S."""
    monkeypatch.setitem(connection.PROMPT, "socket_timeout", SILENT_S)
    return usual_proxy


async def outcome(client: Client) -> tuple[str, float]:
    """What came of a PING, and how long that took."""
    began = time.monotonic()
    try:
        await client.ping()
        said = "heard"
    except redis.RedisError as error:
        said = type(error).__name__
    return said, time.monotonic() - began


@pytest.fixture
def unprobed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody finds out, however the machine dawdles."""
    monkeypatch.setattr(circuit_breaker, "PROBE_AFTER_S", math.inf)


@pytest.mark.usefixtures("unprobed")
def test_nobody_else_waits_for_a_silent_redis(proxy: Proxy) -> None:
    async def talk(client: Client) -> None:
        assert (await outcome(client))[0] == "heard"
        proxy.swallow()
        assert (await outcome(client))[0] == "TimeoutError"
        opened = proxy.opened
        later = await asyncio.gather(*(outcome(client) for _ in range(500)))
        assert {said for said, _ in later} == {"ConnectionError"}
        assert proxy.opened == opened
        assert max(took for _, took in later) < 10 * SILENT_S

    on_redis(proxy.url, talk)


def test_a_redis_that_was_silent_is_heard_again(proxy: Proxy) -> None:
    async def talk(client: Client) -> None:
        proxy.swallow()
        assert (await outcome(client))[0] == "TimeoutError"
        proxy.restore()
        await asyncio.sleep(PROBE_AFTER_S)
        assert (await outcome(client))[0] == "heard"
        assert {said for said, _ in await asyncio.gather(outcome(client), outcome(client))} == {"heard"}

    on_redis(proxy.url, talk)


def test_no_link_from_before_a_silence_is_used_after_it(proxy: Proxy) -> None:
    async def talk(client: Client) -> None:
        async def alone() -> str:
            return str(await client.echo("x" * (LARGE + 1)))  # each by a link of its own

        await asyncio.gather(*(alone() for _ in range(8)))
        proxy.swallow()
        assert (await outcome(client))[0] == "TimeoutError"
        proxy.restore()
        await asyncio.sleep(PROBE_AFTER_S)
        assert (await outcome(client))[0] == "heard"
        await asyncio.gather(*(alone() for _ in range(8)))

    on_redis(proxy.url, talk)


def test_who_waits_for_a_turn_is_not_kept_waiting_again(proxy: Proxy) -> None:
    async def talk(client: Client) -> None:
        proxy.swallow()
        found = await asyncio.gather(*(outcome(client) for _ in range((UNDER_WAY + 1) * MOST)))
        said, longest = Counter(said for said, _ in found), max(took for _, took in found)
        assert set(said) == {"TimeoutError", "ConnectionError"}
        asked_again = said["TimeoutError"] - UNDER_WAY * MOST
        # One in a while, where the machine dawdles.
        assert 0 <= asked_again <= longest / PROBE_AFTER_S

    on_redis(proxy.url, talk)


@pytest.mark.usefixtures("unprobed")
def test_nobody_waits_twice_for_a_redis_that_answers_some_commands_only(
    proxy: Proxy, clean_redis: "redis.Redis"
) -> None:
    async def talk(client: Client) -> None:
        asked = list[asyncio.Task[int]]()
        for _ in range(UNDER_WAY + 1):  # the last one has to wait
            asked.append(asyncio.create_task(client.incr("asked")))
            await asyncio.sleep(SILENT_S / 10)
        assert await client.get("x" * LARGE + "x") is None  # by a link of its own
        with pytest.raises(redis.TimeoutError):
            await asked[0]
        with pytest.raises(redis.ConnectionError, match="silent"):
            asked[-1].result()
        await asyncio.gather(*asked, return_exceptions=True)

    clean_redis.execute_command("CLIENT", "PAUSE", 20_000, "WRITE")
    try:
        on_redis(proxy.url, talk)
    finally:
        clean_redis.execute_command("CLIENT", "UNPAUSE")


def test_one_in_a_while_finds_out(proxy: Proxy) -> None:
    async def talk(client: Client) -> None:
        proxy.swallow()
        assert (await outcome(client))[0] == "TimeoutError"
        await asyncio.sleep(1.0)
        found = await asyncio.gather(*(outcome(client) for _ in range(20)))
        assert sorted(said for said, _ in found) == ["ConnectionError"] * 19 + ["TimeoutError"]

    on_redis(proxy.url, talk)


@pytest.mark.usefixtures("unprobed")
def test_a_subscriber_that_hears_nothing_ends_no_silence(proxy: Proxy) -> None:
    async def talk(client: Client) -> None:
        async with client.pubsub() as subscription:
            await subscription.subscribe("a")
            assert await subscription.get_message(timeout=20)
            proxy.swallow()
            assert (await outcome(client))[0] == "TimeoutError"
            assert await subscription.get_message(True, timeout=0.1) is None
            assert (await outcome(client))[0] == "ConnectionError"

    on_redis(proxy.url, talk)


def test_a_subscriber_that_hears_nothing_says_nothing_of_redis(proxy: Proxy) -> None:
    async def talk(client: Client) -> None:
        async with client.pubsub() as subscription:
            await subscription.subscribe("a")
            assert await subscription.get_message(True, timeout=2 * SILENT_S) is None
            assert await subscription.get_message(True, timeout=2 * SILENT_S) is None
            assert (await outcome(client))[0] == "heard"

    on_redis(proxy.url, talk)


def test_one_dead_link_is_no_silence(proxy: Proxy) -> None:
    async def talk(client: Client) -> None:
        await client.ping()
        proxy.swallow()
        waiting = asyncio.create_task(outcome(client))
        await asyncio.sleep(SILENT_S / 10)
        proxy.restore()
        assert (await outcome(client))[0] == "heard"  # over a new one
        assert (await waiting)[0] == "TimeoutError"
        assert (await outcome(client))[0] == "heard"

    on_redis(proxy.url, talk)


def test_who_waits_while_a_link_dies_is_answered_over_another(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundling, "MOST", few := 4)  # many would keep the machine from answering in time
    monkeypatch.setitem(connection.PROMPT, "socket_timeout", 3 * SILENT_S)

    async def talk(client: Client) -> None:
        async def ask_on() -> None:
            while not lost.done():
                assert (await outcome(client))[0] == "heard"

        await client.ping()
        proxy.swallow()
        lost = asyncio.create_task(outcome(client))
        await asyncio.sleep(SILENT_S / 10)
        proxy.restore()
        await asyncio.gather(*(ask_on() for _ in range(2 * few)))
        assert (await lost)[0] == "TimeoutError"

    on_redis(proxy.url, talk)


def test_a_dead_link_leaves_time_to_ask_again() -> None:
    """The kernel may take twice as long as it is told."""
    assert connection.PROMPT["socket_timeout"] > 2 * UNHEARD_MS / 1000


@pytest.mark.parametrize("size", [1, LARGE + 1, 1 << 20])
def test_what_is_asked_over_dead_links_is_asked_again_over_new_ones(
    usual_proxy: Proxy, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("socket_timeout", "socket_connect_timeout"):
        monkeypatch.setitem(connection.PROMPT, name, 20)  # where nobody hears of it, it is in vain

    async def talk(client: Client) -> None:
        async def ask() -> None:
            assert len(await client.echo("x" * size)) == size

        await asyncio.gather(ask(), *(client.echo("x" * (LARGE + 1)) for _ in range(8)))
        usual_proxy.vanish()
        await ask()
        deaths: list[float] = []
        monkeypatch.setattr(CircuitBreaker, "died", lambda _, asked_at: deaths.append(asked_at))
        await asyncio.gather(*(client.echo("x" * (LARGE + 1)) for _ in range(8)))
        assert not deaths  # one has found out for all

    on_redis(usual_proxy.url, talk)


def test_a_death_that_is_noticed_late_vouches_for_no_link() -> None:
    breaker = CircuitBreaker()
    breaker.died(10.0)
    breaker.died(5.0)
    assert breaker.outlived(7.0)


@pytest.mark.usefixtures("unprobed")
def test_where_no_new_link_can_be_had_a_dead_one_costs_no_more_than_a_silence(
    usual_proxy: Proxy,
) -> None:
    async def talk(client: Client) -> None:
        await client.ping()
        usual_proxy.vanish(wholly=True)
        said, took = await outcome(client)
        assert said == "TimeoutError"
        assert took < connection.PROMPT["socket_timeout"] + 1  # another attempt would take 1.5 s
        assert (await outcome(client))[0] == "ConnectionError"

    on_redis(usual_proxy.url, talk)


@pytest.mark.parametrize("size", [1, 1 << 20])
def test_a_redis_that_is_merely_slow_is_asked_once(
    usual_proxy: Proxy, clean_redis: "redis.Redis", size: int
) -> None:
    async def talk(client: Client) -> None:
        await client.echo("x" * size)
        opened, commands = usual_proxy.opened, usual_proxy.commands
        clean_redis.execute_command("CLIENT", "PAUSE", 2000)
        assert await client.rpush("asked", "x" * size) == 1
        assert (usual_proxy.opened, usual_proxy.commands) == (opened, commands + 1)

    on_redis(usual_proxy.url, talk)


@pytest.mark.parametrize("size", [1, 1 << 22])
def test_a_redis_that_stands_still_for_a_moment_is_asked_once(
    redis_url: str, clean_redis: "redis.Redis", size: int
) -> None:
    def opened() -> int:
        return int(clean_redis.info("stats")["total_connections_received"])

    async def talk(client: Client) -> None:
        await client.echo("x" * min(size, LARGE + 1))
        before = opened()
        os.kill(server, signal.SIGSTOP)
        asyncio.get_running_loop().call_later(0.4, os.kill, server, signal.SIGCONT)
        assert await client.rpush("asked", "x" * size) == 1
        assert opened() == before

    server = clean_redis.info("server")["process_id"]
    try:
        on_redis(redis_url, talk)
    finally:
        os.kill(server, signal.SIGCONT)


def idle(client: Client, seconds: float) -> None:
    """Make it seem that its links have been idle for so long."""
    pool = client.connection_pool
    links = {*pool._available_connections, *pool._in_use_connections}
    assert links
    for link in links:
        link.next_health_check -= seconds


@pytest.mark.parametrize("size", [1, LARGE + 1])
def test_a_link_that_died_unheard_while_idle_keeps_nobody_waiting(proxy: Proxy, size: int) -> None:
    async def talk(client: Client) -> None:
        await client.echo("x" * size)
        proxy.swallow()  # a hole that no command meets
        proxy.restore()
        idle(client, IDLE_S + 0.1)
        await client.echo("x" * size)  # over a new one: over the dead one it would fail

    on_redis(proxy.url, talk)


def test_links_in_use_stay_open(proxy: Proxy) -> None:
    async def talk(client: Client) -> None:
        await client.ping()
        opened, commands = proxy.opened, proxy.commands
        for _ in range(12):
            idle(client, IDLE_S / 4)
            await client.ping()
        assert proxy.opened == opened
        assert proxy.commands == commands + 12  # nor is any of them checked

    on_redis(proxy.url, talk)
