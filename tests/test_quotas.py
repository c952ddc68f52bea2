"""Quotas of a caller: requests a second, queued images, bytes and event streams, on all gateways."""

import asyncio
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import anyio
import httpx
import numpy as np
import pytest
import redis
import redis.asyncio
from prometheus_client import Gauge

from api.limits import streams
from api.limits.budget import Uploads
from api.limits.quotas import Quota, Quotas
from api.limits.rates import Rates
from api.limits.streams import StreamLimits
from api.problems import Problem
from api.settings import GatewaySettings
from worker.ledger.limiters import LEASE_MS, StreamSemaphores, TokenBuckets
from worker.settings import BadSettings

from ledgers import LIMITS, finish, on_redis, submit
from samples import glyphs, npy_of
from services import Services, beside, lone_gateway, new_key
from waiting import until

NPY = {"Content-Type": "application/x-npy"}


def images(count: int) -> bytes:
    return npy_of(glyphs(count, np.random.default_rng(0)))


def test_quotas_are_read_and_what_cannot_be_read_is_named() -> None:
    text = "alice:requests=0.5,burst=3 bob:queued=7 erin:streams=0"
    quotas = Quotas(GatewaySettings(quota_streams=4, quotas=text))
    assert quotas.of("alice") == Quota(requests=0.5, burst=3, streams=4)
    assert quotas.of("bob") == Quota(queued=7, streams=4)
    assert quotas.of("carol") == Quota(streams=4)
    assert quotas.of("erin") == Quota()
    assert quotas.count_requests
    everybody = GatewaySettings(
        quota_requests=1.5, quota_burst=2, quota_queued=3, quota_bytes=4, quota_streams=5
    )
    assert Quotas(everybody).of("dave") == Quota(1.5, 2, 3, 4, 5)
    assert Quotas(everybody).count_requests
    assert [Quota(*each).tokens for each in ((0.2,), (2.6,), (5.0, 3))] == [1, 3, 3]
    assert not Quotas(GatewaySettings()).count_requests
    for bad in (
        "alice",
        "alice:requests",
        "alice:speed=3",
        "alice:queued=-1",
        ":queued=1",
        "a:queued=x",
        "a:requests=nan",
        "a:requests=inf",
    ):
        with pytest.raises(BadSettings, match=re.escape(repr(bad))):
            Quotas(GatewaySettings(quotas=bad))


def test_a_bucket_holds_so_many_tokens_and_fills_again(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    async def take(client: redis.asyncio.Redis) -> None:
        buckets = TokenBuckets(client)
        permits = [await buckets.take("alice", 0.01, 4) for _ in range(6)]
        assert [each.granted for each in permits] == [True] * 4 + [False] * 2
        assert [each.left for each in permits] == [3, 2, 1, 0, 0, 0]
        assert 0 < permits[-1].next_s <= 100
        assert 300 <= permits[-1].full_s <= 400
        assert (await buckets.take("bob", 0.01, 4)).granted
        await client.decrby("ink:rate:alice", round(1e6 * permits[-1].next_s))  # so much later
        assert [(await buckets.take("alice", 0.01, 4)).granted for _ in range(2)] == [True, False]
        assert 0 < await client.pttl("ink:rate:alice") <= 400_000

    on_redis(redis_url, take)


def test_who_is_given_a_higher_rate_need_not_wait_at_the_old_one(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    async def take(client: redis.asyncio.Redis) -> None:
        buckets = TokenBuckets(client)
        assert [(await buckets.take("alice", 1 / 60, 60)).granted for _ in range(60)] == [True] * 60
        assert (await buckets.take("alice", 1 / 60, 60)).full_s > 3500
        raised = await buckets.take("alice", 20, 4)
        assert not raised.granted
        assert raised.next_s <= 0.05
        assert raised.full_s <= 0.2
        await asyncio.sleep(raised.next_s)
        assert (await buckets.take("alice", 20, 4)).granted

    on_redis(redis_url, take)


def test_a_bucket_fills_though_the_clock_was_set_back(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    async def take(client: redis.asyncio.Redis) -> None:
        buckets = TokenBuckets(client)
        await buckets.take("alice", 20, 4)
        await client.incrby("ink:rate:alice", 3_600_000_000)
        await client.persist("ink:rate:alice")
        empty = await buckets.take("alice", 20, 4)
        assert empty.next_s <= 0.05
        await asyncio.sleep(empty.next_s)
        assert (await buckets.take("alice", 20, 4)).granted

    on_redis(redis_url, take)


def test_many_at_once_get_no_more_than_there_is(redis_url: str, clean_redis: "redis.Redis") -> None:
    async def take(client: redis.asyncio.Redis) -> None:
        buckets = TokenBuckets(client)
        permits = await asyncio.gather(*(buckets.take("alice", 0.1, 50) for _ in range(200)))
        assert sum(each.granted for each in permits) == 50

    on_redis(redis_url, take)


def test_who_is_refused_is_told_the_same_by_its_gateway_which_asks_nobody(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    async def take(client: redis.asyncio.Redis) -> None:
        quotas = Quotas(GatewaySettings(quota_requests=0.1, quota_burst=3))
        rates = Rates(TokenBuckets(client), quotas)
        taken = [await rates.take("alice") for _ in range(4)]
        await client.delete("ink:rate:alice")
        taken.append(await rates.take("alice"))
        permits = [permit for _, permit in filter(None, taken)]
        assert [each.granted for each in permits] == [True] * 3 + [False] * 2
        assert permits[4].next_s == pytest.approx(permits[3].next_s, abs=5)
        assert permits[4].full_s == pytest.approx(permits[3].full_s, abs=5)

    on_redis(redis_url, take)


def test_queued_images_are_counted_by_owner_and_freed(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    limits = replace(LIMITS, max_owner=5)
    assert submit(redis_url, "a", (2, 2), owner="alice", limits=limits).kind == "new"
    refused = submit(redis_url, "b", (2,), owner="alice", limits=limits)
    assert (refused.kind, refused.figure) == ("quota", 1)
    never = submit(redis_url, "c", (6,), owner="alice", limits=limits)
    assert (never.kind, never.figure) == ("never", 5)
    assert submit(redis_url, "d", (5,), owner="bob", limits=limits).kind == "new"
    assert clean_redis.hgetall("ink:queued") == {b"alice": b"4", b"bob": b"5"}


@pytest.fixture(scope="module")
def callers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Services, dict[str, str]]]:
    """A gateway without workers, and the keys of some who have quotas."""
    made = [new_key() for _ in range(6)]
    named = dict(zip(("fast", "patient", "many", "heavy", "follows", "free"), made, strict=True))
    owner = {name: line.partition(":")[0] for name, (_, line) in named.items()}
    quotas = {
        owner["fast"]: "requests=0.01,burst=5",
        owner["patient"]: "requests=1,burst=1",
        owner["many"]: "queued=10",
        owner["heavy"]: "bytes=4000",
        owner["follows"]: "streams=2",
    }
    settings = {
        "INKQUEUE_API_KEYS": "\n".join(line for _, line in made),
        "INKQUEUE_QUOTAS": " ".join(f"{name}:{quota}" for name, quota in quotas.items()),
    }
    with lone_gateway(tmp_path_factory.mktemp("quotas"), **settings) as running:
        yield running, {name: key for name, (key, _) in named.items()}


@pytest.fixture(scope="module")
def second(callers: tuple[Services, dict[str, str]]) -> Iterator[str]:
    """One more gateway on the same Redis."""
    with beside(callers[0]) as other:
        yield other.url


def of(callers: tuple[Services, dict[str, str]], name: str, url: str = "") -> httpx.Client:
    services, keys = callers
    headers = {"Authorization": f"Bearer {keys[name]}"}
    return httpx.Client(base_url=url or services.url, headers=headers, timeout=30)


def test_too_many_requests_are_refused_on_all_gateways(
    callers: tuple[Services, dict[str, str]], second: str
) -> None:
    with of(callers, "fast") as here, of(callers, "fast", second) as there:
        answers = [gateway.get("/v1/jobs") for gateway in (here, there) * 6]
    granted = [each for each in answers if each.status_code == 200]
    refused = [each for each in answers if each.status_code == 429]
    assert (len(granted), len(refused)) == (5, 7)
    assert granted[0].headers["ratelimit-policy"] == '"requests";q=5;w=500'
    assert granted[0].headers["ratelimit"] == '"requests";r=4;t=100'
    for each in refused:
        assert each.json()["type"] == "/problems/rate-limited"
        assert each.json()["violated-policies"] == ["requests"]
        assert 1 < int(each.headers["retry-after"]) <= 100
        assert each.headers["ratelimit"].startswith('"requests";r=0;t=')


def test_who_waits_is_let_in_again(callers: tuple[Services, dict[str, str]]) -> None:
    with of(callers, "patient") as http:
        for status in (200, 429, 200):
            until(lambda status=status: http.get("/v1/jobs").status_code == status)


def test_predictions_are_counted_with_all_else(callers: tuple[Services, dict[str, str]]) -> None:
    png = {"Content-Type": "image/png"}
    with of(callers, "fast") as http:
        answers = [http.post("/v1/predictions", headers=png) for _ in range(8)]
    assert {each.status_code for each in answers} <= {422, 429}
    assert answers[-1].json()["type"] == "/problems/rate-limited"
    assert all("ratelimit" in each.headers for each in answers)


def test_who_has_no_quota_is_not_counted(callers: tuple[Services, dict[str, str]]) -> None:
    services, _ = callers
    with of(callers, "free") as http, redis.Redis.from_url(services.redis_url) as client:
        answers = [http.get("/v1/jobs") for _ in range(30)]
        assert {each.status_code for each in answers} == {200}
        assert "ratelimit" not in answers[0].headers
        owner = http.headers["authorization"].split("_")[1]
        assert not client.exists(f"ink:rate:{owner}")


def test_too_many_waiting_images_are_refused_until_some_are_done(
    callers: tuple[Services, dict[str, str]], second: str
) -> None:
    with of(callers, "many") as here, of(callers, "many", second) as there:
        first = here.post("/v1/jobs", content=images(8), headers=NPY).raise_for_status().json()["id"]
        refused = there.post("/v1/jobs", content=images(3), headers=NPY)
        assert (refused.status_code, refused.json()["type"]) == (429, "/problems/too-many-queued")
        assert int(refused.headers["retry-after"]) >= 1
        never = there.post("/v1/jobs", content=images(11), headers=NPY)
        assert (never.status_code, never.json()["limit"]) == (413, 10)
        assert there.post("/v1/jobs", content=images(2), headers=NPY).status_code == 202
        here.post(f"/v1/jobs/{first}/cancel")
        assert there.post("/v1/jobs", content=images(3), headers=NPY).status_code == 202


def test_who_asks_again_is_not_held_to_a_quota(callers: tuple[Services, dict[str, str]]) -> None:
    services, _ = callers
    finish(services.redis_url)
    with of(callers, "many") as http:
        sent = [http.put("/v1/jobs/again", content=images(8), headers=NPY) for _ in range(2)]
        assert [each.status_code for each in sent] == [202, 202]
        assert sent[1].headers["idempotency-replayed"] == "true"
        other = http.put("/v1/jobs/other", content=images(8), headers=NPY)
        assert other.json()["type"] == "/problems/too-many-queued"
    finish(services.redis_url)


def test_bytes_under_way_are_counted_until_their_request_is_over(
    callers: tuple[Services, dict[str, str]],
) -> None:
    with of(callers, "heavy") as http:
        refused = http.post("/v1/jobs", content=images(6), headers=NPY)
        assert (refused.status_code, refused.json()["type"]) == (429, "/problems/too-many-bytes")
        assert refused.json()["limit"] == 4000
        assert int(refused.headers["retry-after"]) >= 1
        for _ in range(3):
            assert http.post("/v1/jobs", content=images(3), headers=NPY).status_code == 202


def test_uploads_of_one_caller_share_its_bytes() -> None:
    uploads = Uploads()
    with uploads.of("alice", 10) as one, uploads.of("alice", 10) as two, uploads.of("bob", 10) as other:
        one(6)
        other(10)
        two(4)
        with pytest.raises(Problem, match="one after the other"):
            two(1)
    with uploads.of("alice", 10) as one:
        one(10)
        with pytest.raises(Problem, match=r"smaller ones\.$"):
            one(1)
    assert not uploads._held


def test_event_streams_are_counted_on_all_gateways(
    callers: tuple[Services, dict[str, str]], second: str
) -> None:
    with ExitStack() as stack, of(callers, "follows") as here, of(callers, "follows", second) as there:
        job = here.post("/v1/jobs", content=images(1), headers=NPY).raise_for_status().json()["id"]
        path = f"/v1/jobs/{job}/events"
        open_ = [stack.enter_context(each.stream("GET", path)) for each in (here, there)]
        assert [each.status_code for each in open_] == [200, 200]
        for gateway in (here, there):
            refused = gateway.get(path)
            assert (refused.status_code, refused.json()["type"]) == (429, "/problems/too-many-streams")
            assert int(refused.headers["retry-after"]) >= 1
        open_[0].close()

        def is_let_in() -> bool:
            with there.stream("GET", path) as answer:
                return answer.status_code == 200

        until(is_let_in)


def test_streams_are_renewed_though_a_renewal_failed(
    redis_url: str, clean_redis: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(StreamSemaphores):
        failed = False

        async def renew(self, owner: str, streams: Iterable[str]) -> None:
            if not self.failed:
                self.failed = True
                raise RuntimeError("once")
            await super().renew(owner, streams)

        async def release(self, owner: str, stream: str) -> None:
            await asyncio.sleep(0.01)  # a client may be gone meanwhile
            await super().release(owner, stream)

    async def work(client: redis.asyncio.Redis) -> None:
        quotas = Quotas(GatewaySettings(quota_streams=1))
        limits = StreamLimits(1, Gauge("streams", "", registry=None), Failing(client), quotas)
        for _ in range(2):
            async with limits.stream("alice"), asyncio.timeout(20):
                ((_, until),) = await client.zrange("ink:streams:alice", 0, -1, withscores=True)
                while (await client.zrange("ink:streams:alice", 0, -1, withscores=True))[0][1] <= until:
                    await asyncio.sleep(0.01)
            async with asyncio.timeout(20):
                while not limits._renewing or not limits._renewing.done():  # nothing is left to renew
                    await asyncio.sleep(0.01)
            assert not limits._open
            assert not limits._leased
        with anyio.CancelScope() as scope:
            async with limits.stream("alice"):
                scope.cancel()
                await asyncio.sleep(0)
        async with asyncio.timeout(20):
            while await client.exists("ink:streams:alice"):
                await asyncio.sleep(0.01)

    assert 2 * streams.EVERY_S < LEASE_MS / 1000
    monkeypatch.setattr(streams, "EVERY_S", 0.1)
    on_redis(redis_url, work)


def test_a_stream_that_a_gateway_has_no_place_for_takes_none_of_the_quota(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    async def follow(client: redis.asyncio.Redis) -> None:
        full, other = (
            StreamLimits(
                1,
                Gauge("streams", "", registry=None),
                StreamSemaphores(client),
                Quotas(GatewaySettings(quota_streams=2)),
            )
            for _ in range(2)
        )
        async with full.stream("alice"):
            monitored = (await client.info("commandstats"))["cmdstat_evalsha"]["calls"]
            with pytest.raises(Problem, match="follow 1 jobs here already"):
                async with full.stream("alice"):
                    pass
            assert (await client.info("commandstats"))["cmdstat_evalsha"]["calls"] == monitored
            async with other.stream("alice"):
                with pytest.raises(Problem, match="follow 1 jobs here already"):
                    async with other.stream("alice"):
                        pass
        async with full.stream("alice"):
            assert await client.zcard("ink:streams:alice") == 1

    on_redis(redis_url, follow)


def test_streams_of_a_gateway_that_died_are_forgotten_though_the_clock_was_set_back(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    async def follow(client: redis.asyncio.Redis) -> None:
        semaphores = StreamSemaphores(client)
        assert [await semaphores.acquire("alice", 2, each) for each in "ab"] == [True, True]
        for stream in "ab":
            await client.zincrby("ink:streams:alice", 3_600_000, stream)
        await semaphores.renew("alice", ["b"])
        assert not await semaphores.acquire("alice", 2, "c")
        for stream in "ab":
            await client.zincrby("ink:streams:alice", -31_000, stream)  # half a minute later
        await semaphores.renew("alice", ["b"])
        assert [await semaphores.acquire("alice", 2, each) for each in "cd"] == [True, False]
        await semaphores.release("alice", "b")
        assert await semaphores.acquire("alice", 2, "d")
        assert 0 < await client.pttl("ink:streams:alice") <= 30_000

    on_redis(redis_url, follow)


def test_a_stream_that_is_asked_for_again_as_the_answer_was_lost_is_counted_once(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    async def follow(client: redis.asyncio.Redis) -> None:
        semaphores = StreamSemaphores(client)
        assert await semaphores.acquire("alice", 2, "a")
        assert [await semaphores.acquire("alice", 2, "b") for _ in range(2)] == [True, True]
        assert not await semaphores.acquire("alice", 2, "c")

    on_redis(redis_url, follow)
