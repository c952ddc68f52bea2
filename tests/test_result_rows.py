"""Results while they become known: streams that go on, pages that wait for their first row."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
import numpy as np
import pytest
import redis

from ledgers import LIMITS, commit_of, finish, ledger, submit
from samples import pngs
from services import Services, beside, lone_gateway, on_empty_redis
from waiting import meanwhile

MOST_S = 1.5


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A gateway without workers: the tests commit themselves."""
    with lone_gateway(tmp_path_factory.mktemp("result_rows")) as running:
        yield running


@pytest.fixture(scope="module")
def impatient(gateway: Services) -> Iterator[Services]:
    """One more, at which nobody may wait for longer than MOST_S."""
    with beside(gateway, INKQUEUE_MAX_WAIT=str(MOST_S), INKQUEUE_PREDICTION_WAIT="60") as other:
        yield other


@pytest.fixture
def http(gateway: Services) -> Iterator[httpx.Client]:
    """Its client, on an empty Redis."""
    with on_empty_redis(gateway) as client:
        yield client


@contextmanager
def read(http: httpx.Client, job: str, **query: Any) -> Iterator[Iterator[str]]:
    """The lines of a job's results, as they come."""
    with http.stream("GET", f"/v1/jobs/{job}/results", params={"format": "ndjson"} | query) as answer:
        assert answer.status_code == 200
        yield answer.iter_lines()


def commit_one(services: Services, failed: int = 0) -> None:
    """Read one chunk that is due, if any."""
    worker = ledger(services.redis_url)
    worker.commit([commit_of(claim, failed=failed) for claim in worker.claim("balanced", 1)])


@contextmanager
def deleted_soon(url: str, again: bool = False) -> Iterator[None]:
    """Meanwhile all jobs go, none of them final, and maybe job a is sent `again` under the same id."""

    def work() -> None:
        with redis.Redis.from_url(url) as client:
            client.flushall()
        if again:
            submit(url, "a", (2, 2))
            finish(url)

    timer = threading.Timer(0.3, work)
    timer.start()
    yield
    timer.join()


def commit_last(services: Services) -> None:
    """The chunk that is due last before the others."""
    worker = ledger(services.redis_url)
    claims = worker.claim("balanced", 100)
    worker.commit([commit_of(claims[-1])])
    worker.release(claims[:-1])


def indices(lines: Iterator[str]) -> list[int]:
    return [json.loads(line)["index"] for line in lines]


def test_a_stream_goes_on_until_the_job_is_final(gateway: Services, http: httpx.Client) -> None:
    submit(gateway.redis_url, "a", (2, 1))
    commit_one(gateway)
    with read(http, "a", wait=60) as lines:
        assert [json.loads(next(lines))["index"] for _ in range(2)] == [0, 1]
        commit_one(gateway)
        assert indices(lines) == [2]


def test_a_stream_waits_for_the_gap_and_keeps_the_order(gateway: Services, http: httpx.Client) -> None:
    submit(gateway.redis_url, "a", (2, 2, 2))
    commit_last(gateway)
    with read(http, "a", wait=60) as lines, meanwhile(lambda: finish(gateway.redis_url), 0.3):
        assert indices(lines) == [0, 1, 2, 3, 4, 5]


def test_of_what_is_only_wanted_in_part_nothing_else_comes(
    gateway: Services, http: httpx.Client
) -> None:
    submit(gateway.redis_url, "a", (2, 2, 2))
    with read(http, "a", wait=60, only="failed") as lines:
        for failed in (0, 1, 2):
            commit_one(gateway, failed)
        assert indices(lines) == [2, 4, 5]


def test_a_limit_ends_a_stream_before_the_job_does(gateway: Services, http: httpx.Client) -> None:
    submit(gateway.redis_url, "a", (2, 2))
    commit_one(gateway)
    began = time.monotonic()
    with read(http, "a", wait=60, limit=2) as lines:
        assert indices(lines) == [0, 1]
    with read(http, "a", wait=60, limit=1) as lines:
        assert indices(lines) == [0]  # though more is known
    assert time.monotonic() - began < 30


def test_a_gap_in_a_job_that_was_canceled_is_not_its_end(gateway: Services, http: httpx.Client) -> None:
    submit(gateway.redis_url, "a", (1, 1, 1))
    commit_last(gateway)
    assert not http.get("/v1/jobs/a/results").json()["data"]
    assert http.post("/v1/jobs/a/cancel").json()["state"] == "canceled"
    page = http.get("/v1/jobs/a/results").json()["data"]
    assert [each["status"] for each in page] == ["canceled", "canceled", "succeeded"]
    with read(http, "a") as lines:
        assert [json.loads(line) for line in lines] == page


def test_csv_has_one_head(gateway: Services, http: httpx.Client) -> None:
    submit(gateway.redis_url, "a", (1, 1))
    with read(http, "a", wait=60, format="csv") as lines:
        assert next(lines).startswith("index,")
        finish(gateway.redis_url)
        assert [line.split(",")[0] for line in lines] == ["0", "1"]


def test_time_that_is_over_ends_a_stream_and_a_cursor_goes_on(
    gateway: Services, impatient: Services, http: httpx.Client
) -> None:
    submit(gateway.redis_url, "a", (2, 2))
    commit_one(gateway)
    began = time.monotonic()
    with (
        httpx.Client(base_url=impatient.url, timeout=20) as other,
        read(other, "a", wait=60) as lines,  # more than the gateway grants
    ):
        assert indices(lines) == [0, 1]
    assert time.monotonic() - began >= MOST_S
    finish(gateway.redis_url)
    with read(http, "a", wait=60, cursor=2) as lines:
        assert indices(lines) == [2, 3]


@pytest.mark.parametrize("again", [False, True])
def test_a_job_that_is_deleted_while_its_stream_waits_breaks_it_off(
    gateway: Services, http: httpx.Client, again: bool
) -> None:
    submit(gateway.redis_url, "a", (2, 2))
    commit_one(gateway)
    meanwhile_gone = deleted_soon(gateway.redis_url, again)
    cut_off = pytest.raises(httpx.RemoteProtocolError)
    with read(http, "a", wait=60) as lines, meanwhile_gone, cut_off:
        assert indices(lines) == [0, 1]


@pytest.mark.parametrize("format", ["ndjson", "csv"])
@pytest.mark.parametrize("again", [False, True])
def test_a_part_of_a_job_that_is_deleted_meanwhile_does_not_pass_for_the_whole(
    gateway: Services, format: str, again: bool
) -> None:
    """Its reader is slow; the job may be sent again under the same id."""
    with on_empty_redis(gateway) as http:
        sizes, limits = (1000,) * 30, replace(LIMITS, max_queued=100_000)
        submit(gateway.redis_url, "a", sizes, limits=limits)
        finish(gateway.redis_url)
        with read(http, "a", format=format) as lines:
            next(lines)
            http.delete("/v1/jobs/a").raise_for_status()
            if again:
                submit(gateway.redis_url, "a", sizes, limits=limits)
                finish(gateway.redis_url)
            with pytest.raises(httpx.RemoteProtocolError):
                assert len(list(lines)) < sum(sizes)


def test_a_page_that_waits_for_a_job_that_is_deleted_says_so(
    gateway: Services, http: httpx.Client
) -> None:
    submit(gateway.redis_url, "a", (2, 2))
    with deleted_soon(gateway.redis_url):
        answer = http.get("/v1/jobs/a/results", params={"wait": 60})
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


def test_a_page_that_waits_reads_nothing_twice(gateway: Services, http: httpx.Client) -> None:
    """None of a thousand images failed: they are looked at once, not ten times a second."""
    submit(gateway.redis_url, "a", (1000, 1))
    commit_one(gateway)
    with redis.Redis.from_url(gateway.redis_url) as client:
        client.config_resetstat()
        query = {"wait": MOST_S, "only": "failed"}
        page = http.get("/v1/jobs/a/results", params=query).json()  # type: ignore[arg-type]
        out = client.info("stats")["total_net_output_bytes"]
    assert (page["data"], page["next_cursor"]) == ([], 1000)
    assert out < 4 * 13_000  # a record has 13 bytes


def test_a_stream_of_many_chunks_reads_each_once(gateway: Services, http: httpx.Client) -> None:
    submit(gateway.redis_url, "a", (1,) * 300, layout="page")
    finish(gateway.redis_url)
    with redis.Redis.from_url(gateway.redis_url) as client:
        client.config_resetstat()
        with read(http, "a") as lines:
            assert indices(lines) == list(range(300))
        out = client.info("stats")["total_net_output_bytes"]
    assert out < 300 * 300  # four bytes a chunk for every chunk would be more


def test_a_page_comes_with_its_first_row(gateway: Services, http: httpx.Client) -> None:
    submit(gateway.redis_url, "a", (2, 2))

    def page(**query: Any) -> dict[str, Any]:
        return dict(http.get("/v1/jobs/a/results", params=query).raise_for_status().json())

    assert page()["data"] == []
    with meanwhile(lambda: commit_one(gateway), 0.4):
        first = page(wait=60)
        assert [row["index"] for row in first["data"]] == [0, 1]
        assert (first["next_cursor"], first["complete"]) == (2, False)
        last = page(wait=60, cursor=2)
    assert [row["index"] for row in last["data"]] == [2, 3]
    assert (last["next_cursor"], last["complete"]) == (None, True)


@pytest.mark.parametrize("wait", ["-1", "nan", "soon"])
def test_a_wait_that_is_none_is_refused(gateway: Services, http: httpx.Client, wait: str) -> None:
    submit(gateway.redis_url, "a")
    assert http.get("/v1/jobs/a/results", params={"wait": wait}).status_code == 422


def test_no_prediction_is_waited_for_longer_than_any_request_may_wait(
    impatient: Services, rng: np.random.Generator
) -> None:
    began = time.monotonic()
    with on_empty_redis(impatient) as http:
        headers = {"Content-Type": "image/png"}
        assert http.post("/v1/predictions", content=pngs(1, rng)[0], headers=headers).status_code == 202
    assert MOST_S <= time.monotonic() - began < 30
