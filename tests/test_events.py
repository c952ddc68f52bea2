"""Event streams on a real gateway: all that happens, in order, once, wherever a reader takes them up."""

import asyncio
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import psutil
import pytest
import redis

from worker.ledger.jobs import JobState

from ledgers import commit_of, finish, ledger, pass_over, submit
from metrics import figures
from samples import glyphs, npy_of
from services import Services, beside, lone_gateway, new_key, on_empty_redis, running_services
from streams import Told, follow_all, indices, listening, open_streams, refused, told
from waiting import until

UNREAD_S, PING_S, MOST, READERS = 1.0, 0.3, 4, 50


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A gateway without workers: the tests commit themselves."""
    settings = {"UNREAD_S": UNREAD_S, "PING_S": PING_S, "MAX_STREAMS": MOST}
    environment = {f"INKQUEUE_{name}": str(value) for name, value in settings.items()}
    with lone_gateway(tmp_path_factory.mktemp("events"), **environment) as running:
        yield running


@pytest.fixture
def http(gateway: Services) -> Iterator[httpx.Client]:
    """Its client, on an empty Redis."""
    with on_empty_redis(gateway) as client:
        yield client


def commit_one(url: str, failed: int = 0) -> None:
    """Read one chunk that is due."""
    worker = ledger(url)
    (claim,) = worker.claim("balanced", 1)
    worker.commit([commit_of(claim, failed=failed)])


def assert_whole(events: list[Told], images: int) -> None:
    """Progress, every result once, the end, ids that grow."""
    assert [events[0].kind, events[-1].kind] == ["progress", "completed"]
    assert sorted(indices(events)) == list(range(images))
    ids = [tuple(map(int, event.id.split("-"))) for event in events if event.kind != "progress"]
    assert ids == sorted(set(ids))
    assert {event.id for event in events if event.kind == "progress"} == {""}


def items(events: list[Told]) -> list[dict[str, Any]]:
    return [item for event in events if event.kind == "result" for item in event.data["data"]]


def commit_slowly(url: str, chunks: int) -> None:
    """A chunk every 20 ms, from whatever job is next."""
    worker = ledger(url)
    for _ in range(chunks):
        worker.commit([commit_of(claim) for claim in worker.claim("balanced", 1)])
        time.sleep(0.02)


def commit_and_stay(url: str, killing: Future[None]) -> None:
    """Four jobs of 40 chunks, of which each has some left until nobody is killed any more."""
    commit_slowly(url, 140)
    wait([killing])
    commit_slowly(url, 20)


def kill_twice(services: Services) -> None:
    """The gateway dies while all read, and again; another takes its place."""
    for _ in range(2):
        with httpx.Client(base_url=services.url) as http:
            until(lambda: open_streams(http) == READERS)
        time.sleep(0.5)
        gateway = services.processes[-1]
        gateway.kill()
        gateway.wait()
        services.wait_answering(services.spawn("api"))


@contextmanager
def stalled(url: str, path: str) -> Iterator[None]:
    """A reader that asks and then takes nothing."""
    target = urlsplit(url)
    with socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.connect((target.hostname, target.port))
        reader.sendall(f"GET {path} HTTP/1.1\r\nHost: {target.netloc}\r\n\r\n".encode())
        yield


def up_to(events: Iterator[Told], kind: str) -> list[Told]:
    """Events up to the next of a kind."""
    seen = [next(events)]
    while seen[-1].kind != kind:
        seen.append(next(events))
    return seen


class TestTelling:
    def test_a_job_is_told_as_it_happens(self, gateway: Services, http: httpx.Client) -> None:
        submit(gateway.redis_url, "a", (2, 3, 1))
        with listening(http, "a") as (answer, events):
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert answer.headers["x-accel-buffering"] == "no"
            seen = up_to(events, "progress")
            assert seen[0].data["state"] == "queued"
            assert seen[0].data["counts"]["queued"] == 6
            for failed in (0, 1, 0):
                commit_one(gateway.redis_url, failed)
                seen += up_to(events, "result")
            seen += events
        assert_whole(seen, 6)
        assert indices(seen) == list(range(6))
        (torn,) = [item for item in items(seen) if "error" in item]
        assert (torn["index"], torn["error"]["type"]) == (2, "undecodable-image")
        assert seen[-1].data["state"] == "partially_failed"
        assert seen[-1].data == http.get("/v1/jobs/a").json()

    def test_results_come_in_the_order_in_which_chunks_are_done(
        self, gateway: Services, http: httpx.Client
    ) -> None:
        submit(gateway.redis_url, "a", (2, 2, 2))
        worker = ledger(gateway.redis_url)
        for claim in reversed(worker.claim("balanced", 10)):
            worker.commit([commit_of(claim)])
        events = told(http, "a")
        assert_whole(events, 6)
        assert indices(events) == [4, 5, 2, 3, 0, 1]

    def test_results_are_those_of_the_results_page(self, gateway: Services, http: httpx.Client) -> None:
        submit(gateway.redis_url, "a", (2, 3), name="form 7/ä\u2028.png")
        finish(gateway.redis_url)
        assert items(told(http, "a")) == http.get("/v1/jobs/a/results").json()["data"]

    def test_without_results_only_progress_and_the_end_are_told(
        self, gateway: Services, http: httpx.Client
    ) -> None:
        submit(gateway.redis_url, "a", (2, 2, 2))
        with listening(http, "a", results="false") as (_, events):
            seen = up_to(events, "progress")
            finish(gateway.redis_url)
            seen += events
        assert {event.kind for event in seen} == {"progress", "completed"}
        assert seen[-1].id == told(http, "a")[-1].id == told(http, "a", results="false")[-1].id

    def test_progress_comes_at_most_five_times_a_second(
        self, gateway: Services, http: httpx.Client
    ) -> None:
        submit(gateway.redis_url, "a", (1,) * 60)
        with listening(http, "a") as (_, events):
            seen = up_to(events, "progress")
            committing = threading.Thread(target=commit_slowly, args=(gateway.redis_url, 60))
            committing.start()
            seen += events
            committing.join()
        assert_whole(seen, 60)
        times = [event.at for event in seen if event.kind == "progress"]
        assert len(times) >= 4
        assert (times[-1] - times[0]) / (len(times) - 1) > 0.15  # 0.2 where they are written
        rates = [event.data["images_per_second"] for event in seen if event.kind == "progress"]
        assert rates[0] is None
        assert 0 < rates[-1] < 200

    def test_a_quiet_stream_says_that_it_is_there(self, gateway: Services, http: httpx.Client) -> None:
        submit(gateway.redis_url, "a", (2,))
        began, pings = time.monotonic(), 0
        with http.stream("GET", "/v1/jobs/a/events") as answer:
            lines = answer.iter_lines()
            assert next(lines) == "retry: 1000"
            for line in lines:
                pings += line == ": ping"
                if pings == 3:
                    break
        assert 3 * PING_S <= time.monotonic() - began < 15

    def test_notifications_that_were_lost_delay_a_stream_but_do_not_stop_it(
        self, gateway: Services, http: httpx.Client
    ) -> None:
        submit(gateway.redis_url, "a", (2, 2))
        with (
            listening(http, "a") as (_, events),
            redis.Redis.from_url(gateway.redis_url) as client,
        ):
            seen = up_to(events, "progress")
            client.client_kill_filter(_type="pubsub")
            finish(gateway.redis_url)
            seen += events
        assert_whole(seen, 4)
        assert seen[-1].at - seen[0].at < 10

    def test_a_job_that_takes_the_id_of_another_has_streams_of_its_own(
        self, gateway: Services, http: httpx.Client
    ) -> None:
        submit(gateway.redis_url, "a", (2,))
        with listening(http, "a") as (_, others):
            next(others)
            with redis.Redis.from_url(gateway.redis_url) as client:
                client.flushall()
            submit(gateway.redis_url, "a", (2,))
            finish(gateway.redis_url)
            with listening(http, "a") as (_, events):
                assert_whole(list(events), 2)

    def test_a_stream_outlasts_a_redis_that_cannot_be_reached(
        self, gateway: Services, http: httpx.Client
    ) -> None:
        submit(gateway.redis_url, "a", (2, 2))
        with (
            listening(http, "a") as (_, events),
            redis.Redis.from_url(gateway.redis_url) as client,
        ):
            seen = up_to(events, "progress")
            client.config_set("maxclients", 1)
            try:
                client.client_kill_filter(_type="pubsub")
                client.client_kill_filter(_type="normal", skipme=True)
                assert http.get("/v1/jobs/a").json()["type"] == "/problems/storage-unavailable"
                time.sleep(2.5)
            finally:
                client.config_set("maxclients", 1000)
            finish(gateway.redis_url)
            seen += events
        assert_whole(seen, 4)


class TestEnds:
    def test_a_canceled_job_keeps_what_was_read(self, gateway: Services, http: httpx.Client) -> None:
        submit(gateway.redis_url, "a", (2,) * 5)
        worker = ledger(gateway.redis_url)
        (claim,) = worker.claim("balanced", 2)
        with listening(http, "a") as (_, events):
            up_to(events, "progress")
            assert http.post("/v1/jobs/a/cancel").status_code == 202
            assert up_to(events, "progress")[-1].data["state"] == "canceling"
            worker.commit([commit_of(claim)])
            rest = list(events)
        assert indices(rest) == [0, 1]
        assert (rest[-1].kind, rest[-1].data["state"]) == ("completed", "canceled")
        assert rest[-1].data["counts"]["canceled"] == 8

    def test_a_job_that_waits_is_canceled_at_once(self, gateway: Services, http: httpx.Client) -> None:
        submit(gateway.redis_url, "a", (2,))
        with listening(http, "a") as (_, events):
            up_to(events, "progress")
            http.post("/v1/jobs/a/cancel")
            assert list(events)[-1].data["state"] == "canceled"

    def test_a_job_that_expires_is_gone(self, gateway: Services, http: httpx.Client) -> None:
        submit(gateway.redis_url, "a", (2,), ttl_s=600)
        with (
            listening(http, "a") as (_, events),
            redis.Redis.from_url(gateway.redis_url) as client,
        ):
            up_to(events, "progress")
            pass_over(client, 601)
            last = list(events)[-1]
        assert (last.kind, last.data["type"]) == ("gone", "/problems/job-expired")
        assert last.data["status"] == 410
        assert last.data["instance"] == "/v1/jobs/a/events"
        assert refused(http, "a").json()["type"] == "/problems/job-expired"

    def test_a_job_that_is_made_anew_is_another(self, gateway: Services, http: httpx.Client) -> None:
        submit(gateway.redis_url, "a", (2, 2))
        with listening(http, "a") as (_, events):
            up_to(events, "progress")
            with redis.Redis.from_url(gateway.redis_url) as client:
                client.flushall()
            submit(gateway.redis_url, "a", (2, 2))
            last = list(events)[-1]
        assert (last.kind, last.data["type"]) == ("gone", "/problems/not-found")

    def test_a_final_job_is_told_from_its_beginning(self, gateway: Services, http: httpx.Client) -> None:
        submit(gateway.redis_url, "a", (1,) * 250)
        finish(gateway.redis_url)
        assert_whole(told(http, "a"), 250)


class TestResuming:
    def test_every_event_is_a_place_to_go_on(self, gateway: Services, http: httpx.Client) -> None:
        submit(gateway.redis_url, "a", (2,) * 6)
        finish(gateway.redis_url)
        whole = [(event.kind, event.id) for event in told(http, "a") if event.id]
        for place, (_, event_id) in enumerate(whole[:-1], 1):
            rest = told(http, "a", event_id)
            assert [(event.kind, event.id) for event in rest if event.id] == whole[place:]
            assert rest[0].kind == "progress"
        by_query = told(http, "a", last_event_id=whole[2][1])
        assert [event.id for event in by_query if event.id] == [each for _, each in whole[3:]]
        both = told(http, "a", whole[3][1], last_event_id=whole[0][1])
        assert [event.id for event in both if event.id] == [each for _, each in whole[4:]]

    def test_who_heard_everything_need_not_come_back(
        self, gateway: Services, http: httpx.Client
    ) -> None:
        submit(gateway.redis_url, "a", (2,))
        finish(gateway.redis_url)
        assert refused(http, "a", told(http, "a")[-1].id).status_code == 204

    @pytest.mark.parametrize(
        "event_id", ["last", "1-", "-1", "1-1-1", "0x1-0", "9999999999999-0", "9" * 30 + "-0", "1 -0"]
    )
    def test_an_id_that_was_never_told_is_refused(
        self, gateway: Services, http: httpx.Client, event_id: str
    ) -> None:
        submit(gateway.redis_url, "a", (2, 2))
        assert refused(http, "a", event_id).status_code == 400
        commit_one(gateway.redis_url)
        answer = refused(http, "a", last_event_id=event_id)
        assert (answer.status_code, answer.json()["type"]) == (400, "/problems/invalid-event-id")
        assert "no id to get all" in answer.json()["detail"] or "none to get all" in answer.text

    def test_an_id_of_an_earlier_job_leaves_nothing_out(
        self, gateway: Services, http: httpx.Client
    ) -> None:
        submit(gateway.redis_url, "a", (2,))
        finish(gateway.redis_url)
        before = told(http, "a")[-1].id
        http.delete("/v1/jobs/a")
        time.sleep(0.002)
        submit(gateway.redis_url, "a", (2, 2))
        with listening(http, "a", before) as (_, events):
            seen = up_to(events, "progress")
            finish(gateway.redis_url)
            seen += events
        assert_whole(seen, 4)


class TestRefusals:
    def test_a_job_that_is_not_there_has_no_stream(self, http: httpx.Client) -> None:
        answer = refused(http, "nothing")
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")

    def test_streams_of_a_caller_are_counted(self, gateway: Services, http: httpx.Client) -> None:
        submit(gateway.redis_url, "a", (2,))
        until(lambda: open_streams(http) == 0)
        with listening(http, "a") as (_, events):
            next(events)
            with listening(http, "a") as (_, second), listening(http, "a") as (_, third):
                assert (next(second).kind, next(third).kind) == ("progress", "progress")
                with listening(http, "a") as (_, fourth):
                    next(fourth)
                    assert open_streams(http) == MOST
                    answer = refused(http, "a")
            assert (answer.status_code, answer.json()["type"]) == (429, "/problems/too-many-streams")
            assert answer.json()["limit"] == MOST
            assert int(answer.headers["retry-after"]) > 0
            until(lambda: open_streams(http) == 1)
            with listening(http, "a") as (again, _):
                assert again.status_code == 200

    def test_nobody_follows_the_job_of_another(
        self, gateway: Services, tmp_path: Path, http: httpx.Client
    ) -> None:
        (key, line), (other, other_line) = new_key(), new_key()
        with beside(gateway, INKQUEUE_API_KEYS=f"{line} {other_line}") as own:
            owner = line.partition(":")[0]
            submit(gateway.redis_url, "a", (2,), owner=owner)
            finish(gateway.redis_url)
            mine = {"Authorization": f"Bearer {key}"}
            with httpx.Client(base_url=own.url, headers=mine) as client:
                assert_whole(told(client, "a"), 2)
            with httpx.Client(base_url=own.url, headers={"X-API-Key": other}) as client:
                assert refused(client, "a").json()["type"] == "/problems/not-found"
            with httpx.Client(base_url=own.url) as client:
                assert refused(client, "a").status_code == 401


class TestReaders:
    def test_one_that_takes_nothing_is_cut_off_and_not_held_in_memory(
        self, gateway: Services, http: httpx.Client
    ) -> None:
        """60 MB of results, which a kernel cannot hold for a reader, and a gateway must not."""
        submit(gateway.redis_url, "a", (250,) * 20, name="x" * 12_000)
        finish(gateway.redis_url)
        process = psutil.Process(gateway.processes[0].pid)
        told(http, "a", results="false")
        until(lambda: open_streams(http) == 0)
        before, most = process.memory_info().rss, 0
        with stalled(gateway.url, "/v1/jobs/a/events"):
            began = time.monotonic()
            until(lambda: open_streams(http) == 1)
            while open_streams(http):
                most = max(most, process.memory_info().rss)
                assert time.monotonic() - began < UNREAD_S + 20
                time.sleep(0.05)
            assert time.monotonic() - began > UNREAD_S
            assert len(process.net_connections()) < 10
        assert most - before < 40 << 20

    def test_one_that_leaves_is_forgotten_at_once(self, gateway: Services, http: httpx.Client) -> None:
        submit(gateway.redis_url, "a", (2,))
        with listening(http, "a") as (_, events):
            next(events)
            assert open_streams(http) == 1
        until(lambda: open_streams(http) == 0)

    def test_a_stream_does_not_spoil_the_times_of_answers(
        self, gateway: Services, http: httpx.Client
    ) -> None:
        def total() -> float:
            sum_of = 'inkqueue_http_request_duration_seconds_sum{route="/v1/jobs/{job_id}/events"}'
            return figures(http)[sum_of]

        submit(gateway.redis_url, "a", (2,))
        with listening(http, "a") as (_, events):
            next(events)
            before = total()
            time.sleep(1)
        with listening(http, "a") as (_, events):
            next(events)
        assert 0 < total() - before < 1

    def test_docs_describe_the_stream(self, http: httpx.Client) -> None:
        operation = http.get("/openapi.json").json()["paths"]["/v1/jobs/{job_id}/events"]["get"]
        assert {each["name"] for each in operation["parameters"]} == {
            "job_id",
            "results",
            "last_event_id",
            "last-event-id",
        }
        assert (
            "event: completed"
            in operation["responses"]["200"]["content"]["text/event-stream"]["example"]
        )


class TestDeaths:
    def test_readers_lose_and_repeat_nothing_though_the_gateway_is_killed(self, tmp_path: Path) -> None:
        """Fifty readers of four jobs, and a gateway that dies twice while they read."""
        with lone_gateway(tmp_path) as own:
            for job in range(4):
                submit(own.redis_url, f"job{job}", (3,) * 40)
            with ThreadPoolExecutor(2) as pool:
                killing = pool.submit(kill_twice, own)
                committing = pool.submit(commit_and_stay, own.redis_url, killing)
                try:
                    followers = asyncio.run(follow_all(own.url, [f"job{n % 4}" for n in range(READERS)]))
                finally:
                    killing.result()
                    committing.result()
            for number, follower in enumerate(followers):
                assert follower.ids == followers[number % 4].ids
                assert sorted(follower.images) == list(range(120))
            assert min(follower.cuts for follower in followers) >= 2

    def test_a_stop_ends_streams_at_once(self, tmp_path: Path) -> None:
        with lone_gateway(tmp_path) as own:
            (api,) = own.processes
            submit(own.redis_url, "a", (2,))
            with httpx.Client(base_url=own.url, timeout=20) as http, listening(http, "a") as (_, events):
                next(events)
                api.send_signal(signal.SIGTERM)
                assert [event.kind for event in events] == []
                assert api.wait(10) in (0, -signal.SIGTERM)

    def test_a_killed_worker_leaves_no_gap(self, tmp_path: Path, rng: np.random.Generator) -> None:
        quick = {"INKQUEUE_MODELS": "digits", "INKQUEUE_CHUNK_GLYPHS": "100"}
        with running_services(tmp_path, **quick) as own:
            own.spawn("api")
            worker, _ = own.spawn("worker"), own.spawn("worker")
            own.wait_ready(workers=2)
            with httpx.Client(base_url=own.url, timeout=60) as http:
                body = npy_of(np.tile(glyphs(50, rng), (20, 1, 1)))
                kind = {"Content-Type": "application/x-npy"}
                job = http.post("/v1/jobs?model=digits", content=body, headers=kind).json()["id"]
                with listening(http, job) as (_, events):
                    seen = up_to(events, "result")
                    worker.send_signal(signal.SIGKILL)
                    worker.wait()
                    seen += events
            assert_whole(seen, 1000)
            assert JobState(seen[-1].data["state"]) is JobState.SUCCEEDED
