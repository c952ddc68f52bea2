"""What a gateway says when it is full, when Redis is away, and when nobody reads; nothing is lost."""

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from worker.embedded import EmbeddedRedis, free_port

from samples import glyphs, npy_of, pngs
from services import Services, end_process, lone_gateway
from waiting import until

NPY, PNG = {"Content-Type": "application/x-npy"}, {"Content-Type": "image/png"}


@pytest.fixture(scope="module")
def tight(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A gateway with narrow limits and no worker."""
    folder = tmp_path_factory.mktemp("tight")
    with (
        lone_gateway(folder, INKQUEUE_MAX_QUEUED="10", INKQUEUE_MAX_OPEN="3") as running,
        httpx.Client(base_url=running.url) as client,
    ):
        yield client


def cancel_all(http: httpx.Client) -> None:
    for job in http.get("/v1/jobs?state=queued").json()["data"]:
        http.post(f"/v1/jobs/{job['id']}/cancel")


def test_limits_are_exact_and_say_when_to_come_back(
    tight: httpx.Client, rng: np.random.Generator
) -> None:
    assert tight.get("/readyz").status_code == 503
    full = tight.post("/v1/jobs", content=npy_of(glyphs(11, rng)), headers=NPY)
    assert (full.status_code, full.json()["type"]) == (413, "/problems/too-many-images")
    assert full.json()["limit"] == 10
    first = tight.post("/v1/jobs", content=npy_of(glyphs(8, rng)), headers=NPY).json()["id"]
    full = tight.post("/v1/jobs", content=npy_of(glyphs(3, rng)), headers=NPY)
    assert (full.status_code, full.json()["type"]) == (503, "/problems/queue-full")
    assert int(full.headers["retry-after"]) >= 1
    for data in pngs(2, rng):
        assert tight.post("/v1/jobs", content=data, headers=PNG).status_code == 202
    tight.post(f"/v1/jobs/{first}/cancel")
    ids = [tight.post("/v1/jobs", content=data, headers=PNG).json() for data in pngs(1, rng)]
    many = tight.post("/v1/jobs", content=pngs(1, rng)[0], headers=PNG)
    assert (many.status_code, many.json()["type"]) == (429, "/problems/too-many-jobs")
    assert int(many.headers["retry-after"]) >= 1
    assert ids[0]["position"] == 2


def test_an_unread_prediction_becomes_a_job(tight: httpx.Client, rng: np.random.Generator) -> None:
    cancel_all(tight)
    headers = PNG | {"Prefer": "wait=1"}
    answer = tight.post("/v1/predictions", content=pngs(1, rng)[0], headers=headers)
    assert answer.status_code == 202
    assert tight.get(answer.headers["location"]).json()["state"] == "queued"


@pytest.mark.parametrize("deleted", [False, True])
def test_a_prediction_whose_job_is_canceled_is_a_problem(
    tight: httpx.Client, rng: np.random.Generator, deleted: bool
) -> None:
    cancel_all(tight)
    done: list[httpx.Response] = []
    headers, content = PNG | {"Prefer": "wait=20"}, pngs(1, rng)[0]
    thread = threading.Thread(
        target=lambda: done.append(tight.post("/v1/predictions", content=content, headers=headers))
    )
    thread.start()
    (job,) = until(lambda: tight.get("/v1/jobs?state=queued").json()["data"])
    place = f"/v1/jobs/{job['id']}"
    assert tight.post(f"{place}/cancel").json()["state"] == "canceled"
    if deleted:
        tight.delete(place)
    thread.join()
    problem = done[0].json()
    pending = (409, "/problems/item-pending", job["id"])
    found = done[0].status_code, problem["type"], problem.get("job_id")
    assert found == pending or (deleted and found == (404, "/problems/not-found", None))


@pytest.fixture
def fragile(tmp_path: Path) -> Iterator[tuple[Services, EmbeddedRedis, "subprocess.Popen[bytes]"]]:
    """A gateway on a Redis that the test may kill and start again."""
    server = EmbeddedRedis(tmp_path)
    process = subprocess.Popen(server.command())
    server.wait_ready(process)
    port = free_port()
    environment = {"REDIS_URL": server.url, "INKQUEUE_PORT": str(port)}
    services = Services(server.url, f"http://127.0.0.1:{port}", environment)
    services.wait_answering(services.spawn("api"))
    yield services, server, process
    services.kill()
    server.close()


def test_without_redis_the_answer_is_503_and_nothing_is_lost(
    fragile: tuple[Services, EmbeddedRedis, "subprocess.Popen[bytes]"], rng: np.random.Generator
) -> None:
    services, server, process = fragile
    with httpx.Client(base_url=services.url, timeout=30) as http:
        job = http.post("/v1/jobs", content=npy_of(glyphs(5, rng)), headers=NPY).json()["id"]
        process.kill()
        process.wait()
        for answer in (
            http.get(f"/v1/jobs/{job}"),
            http.post("/v1/jobs", content=npy_of(glyphs(5, rng)), headers=NPY),
            http.get("/readyz"),
            http.get("/metrics"),
        ):
            assert answer.status_code == 503
            assert answer.json()["type"] == "/problems/storage-unavailable"
            assert int(answer.headers["retry-after"]) >= 1
        assert http.get("/healthz").status_code == 200
        again = subprocess.Popen(server.command())
        try:
            server.wait_ready(again)
            until(lambda: http.get(f"/v1/jobs/{job}").status_code != 503)
            assert http.get(f"/v1/jobs/{job}").json()["counts"]["queued"] == 5
            services.spawn("worker")
            services.wait_ready()
            assert http.get(f"/v1/jobs/{job}?wait=30").json()["state"] == "succeeded"
        finally:
            services.kill()
            end_process(again)
