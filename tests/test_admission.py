"""What is let in: exactly as many images as may wait, and no more bytes than Redis has room for."""

import asyncio
import gzip
import socket
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
import redis
from fastapi import Request
from starlette.types import Message

from api.intake.cutter import MOST_CHUNKS, Cutter
from api.intake.sources import NamedImage
from api.job_entry import JobEntry
from api.limits import drain_time
from api.limits.admission import Admission
from api.limits.budget import Documents
from api.limits.quotas import Quota, Quotas
from api.limits.refusals import refusal
from api.problems import CATALOGUE, PASSING, Problem
from api.receiving import SMALL, Receiver
from api.settings import GatewaySettings
from api.staging import STAGE_CHUNKS, Staged
from model.layout import Kind
from worker.ledger.admission import Limits, Verdict
from worker.ledger.chunks import Chunk, PixelBlock, pack
from worker.ledger.gauges import Gauges, Pressure
from worker.ledger.jobs import WEIGHTS, Options
from worker.ledger.store import Store
from worker.ledger.submissions import Submission, Submissions
from worker.redis_watch import RedisWatch
from worker.tracing import Tracer

from hostile_files import idx
from ledgers import LIMITS, NEW, commit_of, finish, ledger, on_redis, submit, with_submissions
from metrics import figures
from samples import glyphs, npy_of, zip_of
from services import Services, beside, lone_gateway, running_services
from waiting import meanwhile

NPY, IDX = {"Content-Type": "application/x-npy"}, {"Content-Type": "application/x-idx"}
MB = 1 << 20
CAP = 150
LIMIT, MARK = 32 * MB, 0.7
SLACK = 3 * MB
"""What connections and scripts take beside, and one write of a gateway."""


def images(count: int) -> bytes:
    return npy_of(np.zeros((count, 28, 28), np.uint8))


def pressure_of(url: str, **limits: float) -> Pressure:
    arguments = {"memory": 0, "mark": 1.0} | limits
    return on_redis(url, lambda client: Gauges(client).pressure(["balanced", "letters"], **arguments))


def submission(owner: str) -> Submission:
    return Submission(owner, "a", "bulk", Options("balanced"), "ABC", "sha", {}, 600, "same")


@pytest.fixture(scope="module")
def capped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Services, list[str]]]:
    """Two gateways where few images may wait, and no worker."""
    folder = tmp_path_factory.mktemp("capped")
    with lone_gateway(folder, INKQUEUE_MAX_QUEUED=str(CAP)) as running, beside(running) as other:
        yield running, [running.url, other.url]


def test_not_one_image_too_many_is_let_in_by_many_at_once(
    capped: tuple[Services, list[str]], rng: np.random.Generator
) -> None:
    services, urls = capped
    sizes = [int(each) for each in rng.integers(1, 10, 150)]
    bodies = {size: npy_of(glyphs(size, rng)) for size in set(sizes)}

    assert sum(sizes) > 4 * CAP
    with httpx.Client(base_url=urls[0]) as here, httpx.Client(base_url=urls[1]) as there:

        def send(number: int) -> tuple[int, httpx.Response]:
            size, http = sizes[number], (here, there)[number % 2]
            return size, http.post("/v1/jobs", content=bodies[size], headers=NPY)

        with ThreadPoolExecutor(32) as pool:
            answers = list(pool.map(send, range(len(sizes))))
    accepted = {answer.json()["id"]: size for size, answer in answers if answer.status_code == 202}
    refused = [answer for _, answer in answers if answer.status_code != 202]
    assert CAP - 9 < sum(accepted.values()) <= CAP
    for answer in refused:
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/queue-full")
        assert 1 <= int(answer.headers["retry-after"]) <= 60
    with redis.Redis.from_url(services.redis_url) as client:
        assert int(client.get("ink:load") or 0) == sum(accepted.values())
        assert int(client.get("ink:peak") or 0) == sum(accepted.values())
        assert client.keys("ink:stage:*") == []
    with httpx.Client(base_url=urls[0]) as http:
        assert {job for job in accepted if http.get(f"/v1/jobs/{job}").status_code == 200} == set(
            accepted
        )
        assert figures(http)["inkqueue_queued_images_peak"] == sum(accepted.values())


def test_who_asks_again_hears_of_the_job_though_all_is_full(capped: tuple[Services, list[str]]) -> None:
    services, urls = capped
    finish(services.redis_url)
    time.sleep(0.15)  # until the gateways have heard of it
    key = {"Idempotency-Key": "again"} | NPY
    with httpx.Client(base_url=urls[0]) as here, httpx.Client(base_url=urls[1]) as there:
        first = here.post("/v1/jobs", content=images(CAP - 1), headers=key)
        assert first.status_code == 202
        assert here.put("/v1/jobs/own", content=images(1), headers=NPY).status_code == 202
        time.sleep(0.15)
        assert there.post("/v1/jobs", content=images(1), headers=NPY).status_code == 503
        again = there.post("/v1/jobs", content=images(CAP - 1), headers=key)
        assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
        assert there.put("/v1/jobs/own", content=images(1), headers=NPY).status_code == 202
        other = there.put("/v1/jobs/own", content=images(2), headers=NPY)
        assert other.json()["type"] == "/problems/idempotency-mismatch"


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Services, list[str]]]:
    """Two gateways on a Redis with little memory, and no worker."""
    with running_services(tmp_path_factory.mktemp("narrow")) as running:
        with redis.Redis.from_url(running.redis_url) as client:
            client.config_set("maxmemory", LIMIT)
            client.config_set("auto-aof-rewrite-percentage", 0)  # which takes 10 MB more for a moment
        running.wait_answering(running.spawn("api"))
        with beside(running) as other:
            yield running, [running.url, other.url]


@pytest.fixture
def most_used(narrow: tuple[Services, list[str]]) -> Iterator[list[int]]:
    """What Redis uses, sampled while a test runs; everything is gone at first."""
    used = [0]

    def look() -> None:
        info = client.info("memory")
        used.append(int(info["used_memory"]) - int(info["mem_not_counted_for_evict"]))

    with redis.Redis.from_url(narrow[0].redis_url) as client:
        client.flushall()
        time.sleep(0.15)
        with meanwhile(look, 0.005):
            yield used


def received(client: "redis.Redis") -> int:
    """Bytes that Redis was sent so far."""
    return int(client.info("stats")["total_net_input_bytes"])


def chunked(size: int) -> Iterator[bytes]:
    """An IDX file of so many bytes, whose length is told by nobody."""
    count = size // 784
    yield idx(count, 28, 28)
    for _ in range(count):
        yield bytes(784)


def is_full(answer: httpx.Response) -> bool:
    told = answer.status_code == 503 and answer.json()["type"] == "/problems/memory-full"
    return told and 1 <= int(answer.headers["retry-after"]) <= 60


def test_beyond_the_mark_no_body_is_taken_in(
    narrow: tuple[Services, list[str]], most_used: list[int]
) -> None:
    url = narrow[1][0]
    with httpx.Client(base_url=url, timeout=30) as http:
        body = images(15 * MB // 784)
        assert http.post("/v1/jobs", content=body, headers=NPY).status_code == 202
        time.sleep(0.15)
        target = urlsplit(url)
        with socket.create_connection((target.hostname, target.port), timeout=10) as line:
            head = f"POST /v1/jobs HTTP/1.1\r\nHost: a\r\nContent-Length: {15 * MB}\r\n"
            line.sendall(f"{head}Content-Type: application/x-npy\r\n\r\n".encode())
            told = line.recv(4096)
            while b"}" not in told and (more := line.recv(4096)):  # the body may come by itself
                told += more
        assert told.startswith(b"HTTP/1.1 503")
        assert b"memory-full" in told
        assert b"retry-after: " in told.lower()
        never = http.post("/v1/jobs", content=images(35 * MB // 784), headers=NPY)
        assert (never.status_code, never.json()["type"]) == (413, "/problems/body-too-large")
    assert max(most_used) <= LIMIT * MARK + SLACK


@pytest.mark.parametrize(
    ("method", "path", "key"), [("POST", "", {"Idempotency-Key": "again"}), ("PUT", "/own", {})]
)
def test_who_asks_again_hears_of_the_job_though_no_other_has_room_for_its_results(
    narrow: tuple[Services, list[str]], most_used: list[int], method: str, path: str, key: dict[str, str]
) -> None:
    pages = STAGE_CHUNKS + 10
    body = zip_of({f"{number}.png": b"page" for number in range(pages)})
    assert 1 < LIMIT * MARK / (pages * WEIGHTS["page"] * 64) < 2
    with httpx.Client(base_url=narrow[1][0], timeout=60) as http:

        def send(method: str, path: str, key: dict[str, str]) -> httpx.Response:
            headers = {"Content-Type": "application/zip"} | key
            return http.request(method, f"/v1/jobs{path}?layout=page", content=body, headers=headers)

        first, again = (send(method, path, key) for _ in range(2))
        assert (first.status_code, again.status_code) == (202, 202), again.text
        assert again.json()["id"] == first.json()["id"]
        assert is_full(send("POST", "", {}))


@pytest.mark.parametrize("form", ["chunked", "gzip"])
def test_staging_stops_at_the_mark_and_takes_back_what_it_staged(
    narrow: tuple[Services, list[str]], most_used: list[int], form: str
) -> None:
    services, (url, _) = narrow
    with (
        httpx.Client(base_url=url, timeout=60) as http,
        redis.Redis.from_url(services.redis_url) as client,
    ):
        assert http.post("/v1/jobs", content=chunked(10 * MB), headers=IDX).status_code == 202
        more = chunked(18 * MB) if form == "chunked" else gzip.compress(b"".join(chunked(18 * MB)), 1)
        before, used = received(client), int(client.info("memory")["used_memory"])
        assert is_full(http.post("/v1/jobs", content=more, headers=IDX))
        assert used + received(client) - before > 0.8 * LIMIT * MARK  # what was staged for a moment
        assert max(most_used) <= LIMIT * MARK + SLACK
        assert client.keys("ink:stage:*") == []
        time.sleep(0.15)
        assert http.post("/v1/jobs", content=images(1), headers=NPY).status_code == 202
        client.flushall()
        time.sleep(0.15)
        large = http.post("/v1/jobs", content=chunked(30 * MB), headers=IDX)
        assert (large.status_code, large.json()["type"]) == (413, "/problems/body-too-large")


def test_many_large_uploads_at_two_gateways_do_not_pass_the_mark_together(
    narrow: tuple[Services, list[str]], most_used: list[int]
) -> None:
    urls = narrow[1]

    def send(number: int) -> httpx.Response:
        with httpx.Client(base_url=urls[number % 2], timeout=60) as http:
            return http.post("/v1/jobs", content=chunked(6 * MB), headers=IDX)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(8)))
    assert all(answer.status_code == 202 or is_full(answer) for answer in answers)
    assert any(map(is_full, answers))
    assert max(most_used) <= LIMIT * MARK + SLACK + 4 * MB  # others' writes lie in Redis's buffers


def test_beyond_the_mark_work_goes_on_until_there_is_room(
    narrow: tuple[Services, list[str]], most_used: list[int]
) -> None:
    services, (url, _) = narrow
    with httpx.Client(base_url=url, timeout=60) as http:
        jobs = []
        while not is_full(answer := http.post("/v1/jobs", content=images(2 * MB // 784), headers=NPY)):
            jobs.append(answer.raise_for_status().json()["id"])
            time.sleep(0.11)
        assert len(jobs) >= 9
        first, second, *_ = jobs
        assert http.get(f"/v1/jobs/{first}").json()["state"] == "queued"
        worker = ledger(services.redis_url)
        claims = worker.claim("balanced", 1000)
        assert claims
        assert set(worker.commit([commit_of(claim) for claim in claims])) == {"new"}
        assert http.post(f"/v1/jobs/{second}/cancel").status_code in (200, 202)
        finish(services.redis_url)
        assert http.get(f"/v1/jobs/{first}/results?limit=10").json()["data"][0]["status"] == "succeeded"
        assert http.patch(f"/v1/jobs/{first}/items/0/correction", json={"label": "7"}).status_code == 200
        assert http.delete(f"/v1/jobs/{second}").status_code == 204
        assert http.post("/v1/jobs", content=images(10), headers=NPY).status_code == 202


def test_results_that_queued_images_will_leave_are_counted(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    before, links = pressure_of(redis_url), 64 << 10  # bytes that clients of before may give back
    assert submit(redis_url, "a", (256,) * 16).kind == "new"
    after = pressure_of(redis_url)
    assert after.images == 4096
    assert after.used - before.used >= 4096 * (784 + 64) - links


def test_where_redis_has_no_maxmemory_a_setting_or_its_machine_decides(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    own = int(clean_redis.config_get("maxmemory")["maxmemory"])
    assert pressure_of(redis_url, mark=0.5).most == own // 2
    clean_redis.config_set("maxmemory", 0)
    try:
        machine = int(clean_redis.info("memory")["total_system_memory"])
        assert pressure_of(redis_url, mark=0.5).most == machine // 2
        assert pressure_of(redis_url, mark=0.5, memory=100 * MB).most == 50 * MB
    finally:
        clean_redis.config_set("maxmemory", own)


def test_a_group_of_chunks_is_staged_whole_or_not_at_all(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    chunks = [Chunk(4, pack(PixelBlock(bytes(4 * 784))), ("a", "b", "c", "d")) for _ in range(2)]

    def stage(
        size: int = 8 * 784,
        *,
        images: Sequence[Chunk] = chunks,
        known_by: Sequence[str] = NEW,
        **some: Any,
    ) -> Verdict:
        limits = replace(LIMITS, owner="alice", **some)
        return with_submissions(
            redis_url,
            lambda submissions: submissions.stage("t", known_by, 0, images, 8, size, 1, limits),
        )

    assert stage(max_queued=7) == Verdict("never", figure=7)
    assert stage(max_owner=7) == Verdict("never", figure=7)
    used = int(clean_redis.info("memory")["used_memory"])
    assert stage(mark=0.000_001).kind == "large"
    tight = (used + MB // 2) / int(clean_redis.config_get("maxmemory")["maxmemory"])
    assert stage(0, mark=tight, images=[Chunk(4, bytes(MB))] * 2).kind == "memory"
    assert clean_redis.keys("ink:stage:*") == []
    assert submit(redis_url, "before", (4,), owner="alice").kind == "new"
    assert stage(max_queued=11) == Verdict("full", figure=1)
    assert stage(max_owner=10) == Verdict("quota", figure=2)
    assert stage(max_queued=11, max_owner=10, known_by=["ink:job:alice/before"]).kind == "staged"
    clean_redis.unlink(*clean_redis.keys("ink:stage:*"))
    assert stage(max_queued=12, max_owner=12).kind == "staged"
    assert len(clean_redis.keys("ink:stage:t:*")) == 4
    assert all(0 < clean_redis.ttl(key) <= 900 for key in clean_redis.keys("ink:stage:*"))


def test_a_small_job_is_stored_by_the_call_that_makes_it_one(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    chunks = [Chunk(1, pack([bytes(MB)]), ("a",)), Chunk(2, pack([b"two", b"three"]))]
    job = submission("alice")

    def enter(limits: Limits) -> Verdict:
        return with_submissions(redis_url, lambda submissions: submissions.enter(job, chunks, limits))

    clean_redis.setrange("others", 4 * MB, "x")  # which no buffer of a client holds as well
    used = int(clean_redis.info("memory")["used_memory"])
    most = int(clean_redis.config_get("maxmemory")["maxmemory"])
    tight = replace(LIMITS, mark=(used + MB // 2) / most)
    assert enter(replace(LIMITS, mark=0.000_001)).kind == "large"
    assert enter(tight).kind == "memory"
    assert enter(replace(LIMITS, max_owner=2)) == Verdict("never", figure=2)
    assert clean_redis.keys("ink:job:*") == []
    assert enter(LIMITS) == Verdict("new", "alice/a")
    assert [clean_redis.get(f"ink:job:alice/a:in:{n}") for n in (0, 1)] == [c.payload for c in chunks]
    assert clean_redis.get("ink:job:alice/a:names:0") == b'["a"]'
    assert {clean_redis.ttl(key) > 600 for key in clean_redis.keys("ink:job:alice/a*")} == {True}
    assert clean_redis.keys("ink:stage:*") == []
    assert enter(replace(tight, max_owner=2)) == Verdict("replay", "alice/a")


def test_a_job_is_submitted_to_the_run_of_redis_that_was_approved(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    server = str(clean_redis.info("server")["run_id"])
    assert submit(redis_url, "a", limits=replace(LIMITS, server=server)).kind == "new"
    assert submit(redis_url, "b", limits=replace(LIMITS, server="0" * 40)).kind == "stranger"


def test_a_submission_does_not_wait_for_ever_for_a_run_of_redis_to_be_approved(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    settings, looks = GatewaySettings(), list[str]()

    class Elsewhere(RedisWatch):
        """Of a gateway whose two clients are led to two servers."""

        def look(self) -> None:
            looks.append(self.server)
            self.server = "0" * 40

    async def work(client: "redis.asyncio.Redis") -> None:
        redis_watch = Elsewhere(clean_redis, settings)
        redis_watch.look()
        submissions, quotas = Submissions(client), Quotas(settings)
        admission = Admission(submissions, Gauges(client), ["balanced"], settings, quotas, redis_watch)
        entry = JobEntry(submissions, Store(client), admission, settings, Tracer())
        images = Staged(submissions, Cutter(settings, 1), NEW)
        images.carry(b"file")
        with pytest.raises(Problem) as refused:
            await asyncio.wait_for(entry._submit(submission("alice"), images), 10)
        assert refused.value.slug == "storage-unavailable"

    on_redis(redis_url, work)
    assert 2 <= len(looks) <= 10
    assert clean_redis.keys("ink:job:*") == []


def test_a_body_is_judged_by_its_declared_size_before_it_is_read(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    clean_redis.setrange("others", 8 * MB, "x")
    used = int(clean_redis.info("memory")["used_memory"])
    whole = int(clean_redis.config_get("maxmemory")["maxmemory"])
    settings = GatewaySettings(memory_mark=(used + 10 * MB) / whole)

    async def work(client: "redis.asyncio.Redis") -> None:
        submissions, quotas = Submissions(client), Quotas(settings)
        redis_watch = RedisWatch(clean_redis, settings)
        admission = Admission(submissions, Gauges(client), ["balanced"], settings, quotas, redis_watch)
        await admission.admit("alice", NEW, 12 * MB)  # it may be base64
        for declared, slug in ((16 * MB, "memory-full"), (40 * MB, "body-too-large")):
            with pytest.raises(Problem) as refused:
                await admission.admit("alice", NEW, declared)
            assert refused.value.slug == slug

    on_redis(redis_url, work)


FLOW = Pressure(1000, 100.0, used=3_000_000, most=2_000_000, empty=1_000_000, largest=0)


def seconds_of(problem: Problem) -> int:
    return int(problem.headers["Retry-After"])


@pytest.mark.parametrize(
    ("verdict", "slug", "least", "most"),
    [
        (Verdict("full", figure=500), "queue-full", 5, 7),
        (Verdict("full", figure=1), "queue-full", 1, 2),
        (Verdict("full", figure=10**7), "queue-full", 48, 60),
        (Verdict("quota", figure=100), "too-many-queued", 5, 7),  # a fifth of the rate is its own
        (Verdict("many", figure=2), "too-many-jobs", 5, 7),
        (Verdict("memory", figure=1_000_000), "memory-full", 5, 7),  # 2 MB by 1000 images, 100 a second
    ],
)
def test_when_to_come_back_follows_from_the_rate_and_the_excess(
    verdict: Verdict, slug: str, least: int, most: int
) -> None:
    problems = [refusal(verdict, FLOW, GatewaySettings(), Quota(queued=200)) for _ in range(50)]
    assert {each.slug for each in problems} == {slug}
    assert all(least <= seconds_of(each) <= most for each in problems)


@pytest.mark.parametrize(("kind", "slug"), [("never", "too-many-images"), ("large", "body-too-large")])
def test_what_will_never_be_taken_is_told_how_much_would_be(kind: Any, slug: str) -> None:
    problem = refusal(Verdict(kind, figure=7), FLOW, GatewaySettings(), Quota())
    assert (problem.slug, problem.extra) == (slug, {"limit": 7})
    assert "Retry-After" not in problem.headers


def test_where_nothing_drains_one_comes_back_after_a_while() -> None:
    still = replace(FLOW, rate=0.0)
    for kind in ("full", "quota", "many", "memory"):
        problem = refusal(Verdict(kind, figure=5), still, GatewaySettings(), Quota(queued=200))
        assert 10 <= seconds_of(problem) <= 13


def test_what_results_of_pages_will_take_is_promised_until_they_are_there(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    def promised() -> int:
        """For what images weigh beyond one each."""
        with_them = pressure_of(redis_url).used
        extra = int(clean_redis.getdel("ink:load:extra") or 0)
        without = pressure_of(redis_url).used
        clean_redis.set("ink:load:extra", extra)
        return round((with_them - without) / 64 / (WEIGHTS["page"] - 1))

    submit(redis_url, "pages", (1,) * 200, layout="page", limits=replace(LIMITS, window=100))
    assert promised() == pytest.approx(200, abs=5)
    ledger(redis_url).commit([commit_of(each) for each in ledger(redis_url).claim("balanced", 1)])
    finish(redis_url)
    assert promised() == pytest.approx(0, abs=5)
    assert clean_redis.get("ink:load:extra") == b"0"


@pytest.mark.parametrize("staged", [True, False])
def test_a_job_for_whose_own_results_there_is_no_room_is_refused(
    redis_url: str, clean_redis: "redis.Redis", staged: bool
) -> None:
    whole = int(clean_redis.config_get("maxmemory")["maxmemory"])
    pages = 1000
    results = pages * WEIGHTS["page"] * 64
    clean_redis.setrange("others", results, b"\0")  # unlike a SET, it leaves no large buffers
    info = clean_redis.info("memory")
    used, empty = int(info["used_memory"]), int(info["used_memory_startup"])

    def send(most: int, layout: Kind = "page") -> str:
        limits = replace(LIMITS, mark=most / whole)
        return submit(redis_url, layout, (1,) * pages, layout=layout, limits=limits, staged=staged).kind

    assert send(empty + results) == "large"
    assert send(used + results // 2) == "memory"
    assert send(used + results // 2, "character") == "new"
    assert send(used + 2 * results) == "new"


def test_an_upload_for_whose_results_there_is_no_room_ends_early(
    redis_url: str, clean_redis: "redis.Redis"
) -> None:
    whole, results = int(clean_redis.config_get("maxmemory")["maxmemory"]), 500 * WEIGHTS["page"] * 64
    taken = list[NamedImage]()

    def pages() -> Iterator[NamedImage]:
        for _ in range(MOST_CHUNKS):
            taken.append(NamedImage("", b"file"))
            yield taken[-1]

    async def work(submissions: Submissions) -> None:
        mark = (int(clean_redis.info("memory")["used_memory"]) + 2 * results) / whole
        async with Staged(submissions, Cutter(GatewaySettings(), WEIGHTS["page"]), NEW) as images:
            limits = replace(LIMITS, max_queued=0, mark=mark)
            assert await images.take_in(pages(), limits, lambda: None) is not None

    with_submissions(redis_url, work)
    assert len(taken) < MOST_CHUNKS // 2


def test_not_all_come_back_at_once() -> None:
    assert len({drain_time.of_amount(1000, 100) for _ in range(20)}) > 10
    assert drain_time.of_amount(0, 100) >= 1  # 0 would say nothing


def test_the_drain_rate_is_that_of_the_last_seconds(redis_url: str, clean_redis: "redis.Redis") -> None:
    submit(redis_url, "a", (100,) * 3)
    assert pressure_of(redis_url).rate == 0
    finish(redis_url)
    time.sleep(1.05)
    assert 100 <= pressure_of(redis_url).rate <= 300


@pytest.mark.parametrize("slug", [slug for slug, (status, _) in CATALOGUE.items() if status in PASSING])
def test_every_refusal_that_passes_says_when(slug: str) -> None:
    assert seconds_of(Problem(slug, "")) == 1
    assert seconds_of(Problem(slug, "", retry_after=1.2)) == 2


def test_documents_are_held_in_turns_and_one_alone_always() -> None:
    async def hold() -> None:
        documents, held, most = Documents(10), 0, 0

        async def one(size: int) -> None:
            nonlocal held, most
            async with documents.held(size):
                held += size
                most = max(most, held)
                await asyncio.sleep(0.01)
                held -= size

        await asyncio.gather(*(one(4) for _ in range(6)), one(0))
        assert most == 8
        await one(25)

    asyncio.run(hold())


def test_a_document_for_which_there_is_room_waits_for_none_that_is_larger() -> None:
    async def hold() -> None:
        documents = Documents(10)

        async def read(size: int) -> None:
            async with documents.held(size):
                pass

        async with documents.held(6), asyncio.TaskGroup() as group:
            async with documents.held(4):
                large, small = (group.create_task(read(size)) for size in (9, 4))
                await asyncio.sleep(0.01)
                assert not small.done()
            await asyncio.wait_for(small, 4)
            assert not large.done()
            large.cancel()

    asyncio.run(hold())


def test_who_waits_too_long_for_a_turn_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.limits.budget.TURN_S", 0.05)

    async def hold() -> None:
        documents = Documents(10)
        async with documents.held(8):
            with pytest.raises(Problem) as refused:
                async with documents.held(3):
                    pass
        assert (refused.value.slug, refused.value.status) == ("too-many-documents", 503)
        assert seconds_of(refused.value) == 2
        async with documents.held(3):
            pass

    asyncio.run(hold())


def test_a_small_document_waits_for_no_large_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.limits.budget.TURN_S", 0.05)
    settings = GatewaySettings(max_json_held=1)
    receiver = Receiver(settings, Quotas(settings))

    async def held(size: int, use: Callable[[], Awaitable[None]]) -> None:
        body = b'{"images": [{"image": ""}]}'.ljust(size)

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        headers = [(b"content-type", b"application/json")]
        request = Request({"type": "http", "method": "POST", "headers": headers}, receive)
        async with receiver.body(request, "anonymous"):
            await use()

    async def read() -> None:
        pass

    async def refused() -> None:
        for size in (SMALL + 1, 100):
            with pytest.raises(Problem, match="Too much JSON"):
                await held(size, read)

    async def hold() -> None:
        await held(SMALL + 1, lambda: held(100, refused))
        await held(SMALL + 1, lambda: held(100, read))

    asyncio.run(hold())
