"""Jobs followed by the clients: over streams that are cut, and without any where a proxy has none."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import httpx
import numpy as np
import pytest
import redis

from api.client import (
    AsyncClient,
    Client,
    CompletedEvent,
    Event,
    ProblemError,
    ProgressEvent,
    ResultEvent,
    Unreachable,
    calls,
    following,
)
from worker.ledger.jobs import JobState

from hosts import serving
from ledgers import commit_of, finish, ledger, submit
from samples import glyphs, pngs, zip_of
from services import Services, lone_gateway


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A gateway without workers: the tests commit themselves."""
    with lone_gateway(tmp_path_factory.mktemp("followed")) as running:
        yield running


@pytest.fixture
def redis_url(gateway: Services) -> str:
    """Its Redis, empty."""
    with redis.Redis.from_url(gateway.redis_url) as client:
        client.flushall()
    return gateway.redis_url


@dataclass
class Way:
    """What stands between a client and the gateway does with event streams.

    `refuses` is the status it answers to all of them; it passes on no more than `bytes` of each of the
    first `cuts`; with `withholds` it sends nothing at all for so many seconds.
    """

    refuses: int = 0
    bytes: int = 1 << 30
    cuts: int = 1 << 30
    withholds: float = 0
    asked: list[str | None] = field(default_factory=list)


@contextmanager
def proxied(gateway: Services, way: Way) -> Iterator[str]:
    """A proxy before the gateway; yields its address."""

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            followed = "/events" in self.path
            if followed:
                way.asked.append(self.headers.get("Last-Event-ID"))
            if followed and way.withholds:
                time.sleep(way.withholds)
            elif followed and way.refuses:
                self.send_error(way.refuses)
            else:
                self.pass_on(way.bytes if followed and len(way.asked) <= way.cuts else 1 << 30)

        def pass_on(self, most: int) -> None:
            headers = {name: self.headers[name] for name in ("Last-Event-ID",) if name in self.headers}
            with httpx.stream("GET", gateway.url + self.path, headers=headers, timeout=20) as answer:
                self.send_response(answer.status_code)
                self.send_header("Content-Type", answer.headers["content-type"])
                self.end_headers()
                for block in answer.iter_raw():
                    self.wfile.write(block[:most])
                    most -= len(block)
                    if most <= 0:
                        return

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with serving(Proxy) as url:
        yield url


@contextmanager
def committing(url: str, chunks: int, pause: float = 0.03) -> Iterator[None]:
    """Meanwhile chunks are committed, one after the other."""

    def commit() -> None:
        worker = ledger(url)
        for _ in range(chunks):
            time.sleep(pause)
            worker.commit([commit_of(claim) for claim in worker.claim("balanced", 1)])

    thread = threading.Thread(target=commit)
    thread.start()
    yield
    thread.join()


def assert_whole(events: list[Event], images: int) -> None:
    """Progress, every image once, the end."""
    assert isinstance(events[0], ProgressEvent)
    assert isinstance(events[-1], CompletedEvent)
    assert events[-1].job.state is JobState.SUCCEEDED
    told = [item.index for each in events if isinstance(each, ResultEvent) for item in each.data]
    assert sorted(told) == list(range(images))
    assert sum(isinstance(each, CompletedEvent) for each in events) == 1


def test_events_are_typed(services: Services, rng: np.random.Generator) -> None:
    with Client(services.url) as client:
        files = {f"{n}.png": data for n, data in enumerate(pngs(3, rng))} | {"bad.png": b"no image"}
        job = client.submit(zip_of(files))
        first, *between, end = client.events(job)
        assert isinstance(first, ProgressEvent)
        assert isinstance(end, CompletedEvent)
        (results,) = [event for event in between if isinstance(event, ResultEvent)]
        assert end.job.state is JobState.PARTIALLY_FAILED
        assert results.data == list(client.results(job))
        assert results.data[0].label
        assert results.id
        kinds = [type(event) for event in client.events(job, results=False)]
        assert kinds == [ProgressEvent, CompletedEvent]  # of a job that is final


def test_the_awaiting_client_follows_many_at_once(services: Services, rng: np.random.Generator) -> None:
    async def talk() -> None:
        async with AsyncClient(services.url) as client:
            jobs = [await client.submit(glyphs(300, rng)) for _ in range(3)]

            async def follow(job: object) -> list[Event]:
                return [event async for event in client.events(job)]  # type: ignore[arg-type]

            for events in await asyncio.gather(*map(follow, jobs)):
                assert_whole(events, 300)
            async for event in client.events(jobs[0]):
                assert isinstance(event, ProgressEvent)
                break

    asyncio.run(talk())


def test_any_number_of_jobs_is_followed_at_once(gateway: Services, redis_url: str) -> None:
    """More than the 100 connections that httpx opens by itself."""
    submit(redis_url, "a", (1,))

    async def talk() -> None:
        async with AsyncClient(gateway.url) as client:
            streams = [client.events("a", results=False) for _ in range(105)]
            await asyncio.wait_for(asyncio.gather(*map(anext, streams)), 20)
            assert (await asyncio.wait_for(client.job("a"), 10)).state is JobState.QUEUED
            for stream in streams:
                await stream.aclose()  # type: ignore[attr-defined]

    asyncio.run(talk())


@pytest.mark.parametrize("most", [300, 700, 2500])
def test_a_stream_that_is_cut_is_resumed(gateway: Services, redis_url: str, most: int) -> None:
    """In the middle of an event, or behind some."""
    submit(redis_url, "a", (3,) * 20)
    way = Way(bytes=most, cuts=2)
    with committing(redis_url, 20), proxied(gateway, way) as url, Client(url) as client:
        assert_whole(list(client.events("a")), 60)
    assert len(way.asked) == 3
    assert way.asked[0] is None
    if most == 2500:
        assert way.asked[2]
        assert way.asked[1] != way.asked[2]


@pytest.mark.parametrize("status", [404, 406, 429, 502, 503])
def test_a_job_is_polled_where_there_is_no_stream(
    gateway: Services, redis_url: str, status: int
) -> None:
    submit(redis_url, "a", (3,) * 10)
    way = Way(refuses=status)
    with committing(redis_url, 10), proxied(gateway, way) as url, Client(url) as client:
        assert_whole(list(client.events("a")), 30)
    assert len(way.asked) == 1


def test_a_job_is_polled_where_streams_are_always_cut(gateway: Services, redis_url: str) -> None:
    submit(redis_url, "a", (3,) * 10)
    way = Way(bytes=250)
    with proxied(gateway, way) as url, Client(url) as client, committing(redis_url, 10, 0.15):
        assert_whole(list(client.events("a")), 30)
    assert len(way.asked) == following.FAILURES


def test_a_job_is_polled_where_streams_are_withheld(
    gateway: Services, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "READ_S", 0.5)
    submit(redis_url, "a", (3,) * 10)
    way = Way(withholds=1)
    with committing(redis_url, 10), proxied(gateway, way) as url, Client(url) as client:
        assert_whole(list(client.events("a")), 30)
    assert len(way.asked) == 1


def test_streams_are_tried_again_and_tell_nothing_twice(
    gateway: Services, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "POLLED_S", 0.1)
    submit(redis_url, "a", (3,) * 20)
    way = Way(refuses=503)
    events, polled, end = list[Event](), 0, time.monotonic() + 20
    with proxied(gateway, way) as url, Client(url) as client, committing(redis_url, 10):
        for event in client.events("a"):
            assert time.monotonic() < end
            events.append(event)
            if isinstance(event, ResultEvent) and way.refuses:
                way.refuses, polled = 0, len(way.asked)
            elif polled and len(way.asked) > polled:
                finish(redis_url)  # what is left is for the stream to tell
    assert_whole(events, 60)
    assert any(isinstance(event, ResultEvent) and event.id for event in events)


def test_a_stream_that_cannot_be_resumed_is_begun_anew(
    gateway: Services, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "POLLED_S", 0.1)
    submit(redis_url, "a", (3,) * 20)
    way, events = Way(bytes=2500, cuts=1), list[Event]()
    with proxied(gateway, way) as url, Client(url) as client, committing(redis_url, 10):
        for event in client.events("a"):
            events.append(event)
            way.refuses = 400 if len(way.asked) < 2 else 0
            if len(way.asked) == 3:
                finish(redis_url)
    assert_whole(events, 60)
    assert [bool(each) for each in way.asked] == [False, True, False]


def test_canceled_images_have_no_results(gateway: Services, redis_url: str) -> None:
    submit(redis_url, "a", (2,) * 5)
    ledger(redis_url).commit([commit_of(ledger(redis_url).claim("balanced", 1)[0])])
    with proxied(gateway, Way(refuses=404)) as url:
        for address in (gateway.url, url):
            with Client(gateway.url) as client:
                client.cancel("a")
            with Client(address) as client:
                events = list(client.events("a"))
            told = [item.index for each in events if isinstance(each, ResultEvent) for item in each.data]
            assert told == [0, 1]
            assert isinstance(events[-1], CompletedEvent)
            assert events[-1].job.state is JobState.CANCELED


def test_a_job_that_is_not_there_or_goes_is_a_problem(gateway: Services, redis_url: str) -> None:
    with Client(gateway.url) as client:
        with pytest.raises(ProblemError, match="You have no job") as caught:
            list(client.events("nothing"))
        assert caught.value.status == 404
        submit(redis_url, "a", (2,), ttl_s=1)
        with pytest.raises(ProblemError, match="Submit it again") as caught:
            list(client.events("a"))
        assert (caught.value.status, caught.value.type) == (410, "/problems/job-expired")


def test_what_is_no_gateway_is_not_believed(gateway: Services) -> None:
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            self.wfile.write(b"event: progress\ndata: 50 %\n\n")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with (
        serving(Other) as url,
        Client(url) as client,
        pytest.raises(Unreachable, match="is not inkqueue"),
    ):
        list(client.events("a"))


def test_a_gateway_that_is_killed_is_waited_for(tmp_path: Path) -> None:
    with lone_gateway(tmp_path) as own:
        submit(own.redis_url, "a", (3,) * 30)
        events: list[Event] = []
        with Client(own.url) as client:
            for event in client.events("a"):
                events.append(event)
                finished = len([each for each in events if isinstance(each, ResultEvent)])
                if finished == 3 and isinstance(event, ResultEvent):
                    own.processes[-1].kill()
                    own.processes[-1].wait()
                    threading.Timer(0.3, own.spawn, ["api"]).start()
                    finish(own.redis_url)
                elif finished < 3:
                    worker = ledger(own.redis_url)
                    worker.commit([commit_of(claim) for claim in worker.claim("balanced", 1)])
        assert_whole(events, 90)
