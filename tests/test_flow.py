"""The whole way on real processes: uploads in every form, a killed worker, one result an image."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import numpy as np
import pytest
import redis

from model.engines.opening import open_predictor
from model.engines.predictor import Predictor
from model.files.images import Grey, decode
from model.ink.normalization import to_glyph

from jobs import ended, posted, results_of
from ledgers import ledger, submit, wait_out_lease
from metrics import figures
from samples import (
    drawings,
    glyphs,
    idx_of,
    json_of,
    ndjson_of,
    npy_of,
    pngs,
    tiff_of,
    zip_of,
)
from services import Services, lone_gateway, on_empty_redis
from waiting import until

ZIP, NPY, IDX = "application/zip", "application/x-npy", "application/x-idx"
LEASE_MS = 2000
"""What `running_services` grants."""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A gateway on a Redis of its own."""
    with lone_gateway(tmp_path_factory.mktemp("flow")) as running:
        yield running


@pytest.fixture
def own_services(gateway: Services) -> Iterator[Services]:
    """This gateway on an empty Redis; workers are the test's."""
    with on_empty_redis(gateway):
        yield gateway
    for worker in gateway.processes[1:]:
        worker.kill()
        worker.wait()
    del gateway.processes[1:]


@pytest.fixture(scope="module")
def balanced() -> Predictor:
    """The network itself, without any service."""
    return open_predictor("balanced", device="cpu")


@dataclass
class Sent:
    """A job and the glyphs that its images are."""

    id: str
    glyphs: Grey


def read_directly(predictor: Predictor, images: Grey) -> tuple[list[str], list[float]]:
    probabilities = predictor.probabilities(images)
    labels = [predictor.card.labels[each] for each in probabilities.argmax(axis=1)]
    return labels, probabilities.max(axis=1).tolist()


def send_every_form(http: httpx.Client, rng: np.random.Generator) -> list[Sent]:
    """3,000 images: the same few hundred, in every form."""
    files = {f"{number}.png": data for number, data in enumerate(pngs(180, rng))}
    seen = np.stack([to_glyph(decode(data, 10**6), "emnist") for data in files.values()])
    array, pages = glyphs(300, rng), drawings(60, rng)
    pages_seen = np.stack([to_glyph(page, "emnist") for page in pages])
    many = {f"{part}/{name}": data for part in range(5) for name, data in files.items()}
    form = [("files", (name, data, "image/png")) for name, data in files.items()]
    form.append(("files", ("inner.zip", zip_of(files), ZIP)))

    multipart = http.post("/v1/jobs", files=form)
    assert multipart.status_code == 202, multipart.text
    return [
        Sent(posted(http, zip_of(many), ZIP), np.tile(seen, (5, 1, 1))),
        Sent(posted(http, npy_of(np.tile(array, (2, 1, 1))), NPY), np.tile(array, (2, 1, 1))),
        Sent(posted(http, idx_of(np.tile(array, (2, 1, 1))), IDX), np.tile(array, (2, 1, 1))),
        Sent(multipart.json()["id"], np.tile(seen, (2, 1, 1))),
        Sent(posted(http, tiff_of(pages), "image/tiff"), pages_seen),
        Sent(posted(http, ndjson_of(files), "application/x-ndjson"), seen),
        Sent(posted(http, json_of(files), "application/json"), seen),
        Sent(posted(http, npy_of(array[:120]), NPY), array[:120]),
    ]


def test_every_image_has_one_result_though_the_worker_is_killed(
    own_services: Services, balanced: Predictor, rng: np.random.Generator
) -> None:
    worker = own_services.spawn("worker")
    own_services.wait_ready()
    with httpx.Client(base_url=own_services.url, timeout=60) as http:
        sent = send_every_form(http, rng)
        assert sum(len(each.glyphs) for each in sent) == 3000
        until(lambda: http.get(f"/v1/jobs/{sent[0].id}").json()["counts"]["succeeded"], 60)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        own_services.spawn("worker")
        for each in sent:
            counts = ended(http, each.id)["counts"]
            assert counts["succeeded"] == counts["total"] == len(each.glyphs)
            results = results_of(http, each.id)
            assert [result["index"] for result in results] == list(range(len(each.glyphs)))
            labels, confidences = read_directly(balanced, each.glyphs)
            assert [result["label"] for result in results] == labels
            found = [result["confidence"] for result in results]
            np.testing.assert_allclose(found, confidences, rtol=0, atol=1e-6)  # type: ignore[arg-type]
        counted = figures(http)
    assert counted["inkqueue_images_succeeded_total"] == 3000
    assert counted["inkqueue_commits_different_total"] == 0


def test_a_worker_says_whether_it_is_alive(own_services: Services) -> None:
    def says() -> int:
        environment = os.environ | own_services.environment
        return subprocess.run([sys.executable, "-m", "worker.alive"], env=environment).returncode

    assert says() == 1
    worker = own_services.spawn("worker")
    own_services.wait_ready()
    assert says() == 0
    worker.terminate()
    assert worker.wait(15) == 0
    assert says() == 1


def test_a_killed_workers_chunk_is_done_by_another(own_services: Services) -> None:
    # A worker that dies right after its claim is one that claims and is heard of no more.
    submit(own_services.redis_url, "a", (5, 5))
    died = time.monotonic()
    assert len(ledger(own_services.redis_url, lease_ms=LEASE_MS).claim("balanced", 10)) == 2
    own_services.spawn("worker")
    own_services.wait_ready()
    with httpx.Client(base_url=own_services.url, timeout=60) as http:
        job = ended(http, "a")
    assert job["state"] == "succeeded"
    assert time.monotonic() - died > LEASE_MS / 1000


def test_an_image_that_three_workers_were_lost_with_is_tried_and_read_if_it_is_innocent(
    own_services: Services,
) -> None:
    submit(own_services.redis_url, "a", (10,))
    dying = ledger(own_services.redis_url)
    for delivery in range(3):
        (claim,) = dying.claim("balanced", 10)
        assert claim.deliveries == delivery + 1
        if delivery:  # after the first death, images are noted one by one; the fifth kills
            for index in range(5):
                dying.suspect(claim, index, index - 1)
        with redis.Redis.from_url(own_services.redis_url) as client:
            wait_out_lease(client)
    own_services.spawn("worker")
    own_services.wait_ready()
    with httpx.Client(base_url=own_services.url, timeout=60) as http:
        assert ended(http, "a")["state"] == "succeeded"
        results = results_of(http, "a")
    assert len(results) == 10
    assert len({str(item["top_k"]) for item in results}) == 1  # all are blank


def test_single_images_do_not_wait_behind_a_large_job(
    services: Services, http: httpx.Client, rng: np.random.Generator
) -> None:
    array = np.tile(glyphs(100, rng), (400, 1, 1))
    large = http.post("/v1/jobs", content=npy_of(array), headers={"Content-Type": NPY}).json()["id"]
    for data in pngs(5, rng):
        answer = http.post("/v1/predictions", content=data, headers={"Content-Type": "image/png"})
        assert answer.status_code == 200
    state = http.get(f"/v1/jobs/{large}").json()
    assert state["state"] == "running"
    assert state["counts"]["queued"] > 0
    assert http.post(f"/v1/jobs/{large}/cancel").status_code in (200, 202)


def test_a_data_set_image_is_read_as_by_the_network_itself(
    http: httpx.Client, balanced: Predictor, rng: np.random.Generator
) -> None:
    images = glyphs(47, rng)
    query = {"top_k": 10}
    answer = http.post(
        "/v1/jobs",
        params=query,
        content=npy_of(images),
        headers={"Content-Type": NPY, "Prefer": "wait=30"},
    )
    assert answer.status_code == 200
    results = results_of(http, answer.json()["id"])
    for result, direct in zip(results, balanced.probabilities(images), strict=True):
        for likely in result["top_k"]:
            assert abs(likely["p"] - direct[balanced.card.labels.index(likely["label"])]) <= 1e-6
