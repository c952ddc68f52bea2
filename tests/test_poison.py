"""Images that kill, on real processes: found alone, and no worker or lease is lost over them."""

import io
import resource
import zipfile
from collections.abc import Iterator
from itertools import cycle

import httpx
import numpy as np
import psutil
import pytest

from worker.ledger.results import UNDECODABLE

from jobs import ended, posted, results_of
from killers import ENVIRONMENT, REASONS, armed
from ledgers import read_stats
from samples import pngs, zip_of
from services import Services, gateway_and_worker
from waiting import until

SPREAD = 37


@pytest.fixture(scope="module")
def armed_services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A stack of one worker, with failpoints; a test that ends the worker starts another."""
    settings = ENVIRONMENT | {"INKQUEUE_LEASE_MS": "5000"}
    with gateway_and_worker(tmp_path_factory.mktemp("armed"), **settings) as running:
        yield running


def sent(http: httpx.Client, files: list[bytes], **options: str) -> str:
    """The id of a job of these files in a ZIP."""
    archive = zip_of({f"{number:04}.png": data for number, data in enumerate(files)})
    return posted(http, archive, "application/zip", **options)


def running(services: Services) -> list[int]:
    return [each.pid for each in services.processes if each.poll() is None]


def test_killers_are_found_alone_and_nobody_else_is_hurt(
    armed_services: Services, rng: np.random.Generator
) -> None:
    quiet = pngs(300, rng)
    deadly, kinds = list(quiet), cycle(REASONS)
    killers = {index: next(kinds) for index in range(5, len(quiet), SPREAD)}
    for index, kind in killers.items():
        deadly[index] = armed(quiet[index], kind)
    alive = running(armed_services)
    with httpx.Client(base_url=armed_services.url, timeout=60) as http:
        expected = results_of(http, sent(http, quiet))
        found = results_of(http, sent(http, deadly))
    errors = {item["index"]: item["error"] for item in found if "error" in item}
    assert errors.keys() == killers.keys()
    for index, kind in killers.items():
        assert errors[index]["type"] == UNDECODABLE  # type: ignore[index]
        assert errors[index]["detail"].startswith(REASONS[kind])  # type: ignore[index]
    for item, as_expected in zip(found, expected, strict=True):
        if item["index"] not in killers:
            assert item["label"] == as_expected["label"]
            assert item["confidence"] == pytest.approx(as_expected["confidence"], abs=1e-6)
    assert running(armed_services) == alive
    assert read_stats(armed_services.redis_url).get("chunks_reclaimed", 0) == 0


def test_the_gateway_survives_the_preview_of_a_killer(
    armed_services: Services, rng: np.random.Generator
) -> None:
    files = pngs(4, rng)
    mixed = [files[0], armed(files[1], "segfault"), armed(files[2], "exit"), files[3]]
    with httpx.Client(base_url=armed_services.url, timeout=60) as http:
        job = sent(http, mixed, keep_images="true")
        ended(http, job)
        answers = [http.get(f"/v1/jobs/{job}/items/{index}/preview.png") for index in range(len(mixed))]
        assert [answer.status_code for answer in answers] == [200, 422, 422, 200]
        assert answers[1].json()["detail"] == "decoding it took the decoder down (SIGSEGV)."
        exported = http.get(f"/v1/jobs/{job}/export?what=all")
        with zipfile.ZipFile(io.BytesIO(exported.content)) as archive:
            assert len(archive.namelist()) == 2
    gateway = psutil.Process(armed_services.processes[0].pid)
    until(lambda: len(gateway.children(recursive=True)) == 2)


def test_a_worker_that_can_have_no_decoder_gives_back_what_it_held_and_ends(
    armed_services: Services, rng: np.random.Generator
) -> None:
    worker = psutil.Process(armed_services.processes[1].pid)
    (fork_server,) = worker.children()
    worker.rlimit(resource.RLIMIT_NOFILE, (worker.num_fds(), worker.num_fds()))
    fork_server.kill()
    with httpx.Client(base_url=armed_services.url, timeout=60) as http:
        job = sent(http, pngs(30, rng))
        assert armed_services.processes[1].wait(30) == 69
        assert http.get(f"/v1/jobs/{job}").json()["counts"]["failed"] == 0
        armed_services.spawn("worker")
        assert not [item for item in results_of(http, job) if "error" in item]
    assert read_stats(armed_services.redis_url).get("chunks_reclaimed", 0) == 0
