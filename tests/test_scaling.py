"""Workers come and go while a job runs, as seen from the ledger's own facts."""

import time
from pathlib import Path

import httpx
import numpy as np
import pytest

from api.client import Client
from api.schemas.queues import WorkerOut
from worker.ledger.jobs import JobState

from conftest import READY_S, Services, running_services
from samples import glyphs

IMAGES = 80_000
"""Of letters, whose network takes its time: a second worker is there long before they are read."""

EARLY_S, LATE_S = 2.0, 5.0


def other_worker(client: Client, first: str) -> WorkerOut | None:
    """The worker that is not the first, once it has said how fast it reads."""
    for worker in client.queue().workers:
        if worker.id != first and worker.images:
            return worker
    return None


def test_a_worker_that_joins_takes_up_work_at_once(tmp_path: Path, rng: np.random.Generator) -> None:
    array = np.tile(glyphs(100, rng), (IMAGES // 100, 1, 1))
    with running_services(tmp_path, INKQUEUE_MODELS="letters") as running:
        running.spawn("api")
        running.spawn("worker")
        running.wait_ready()
        with Client(running.url) as client:
            first = client.queue().workers[0].id
            job = client.submit(array, model="letters")
            running.spawn("worker")
            second = joined(client, first, job.id)
            assert not client.job(job).state.final  # it joined while there was work
            assert second.ready_at is not None
            assert second.first_claim_at is not None
            took_s = (second.first_claim_at - second.ready_at).total_seconds()
            assert -EARLY_S < took_s <= LATE_S  # its first claim may come before its first heartbeat
            desired = client.queue().desired_workers
            assert desired >= 1
            shown = httpx.get(f"{running.url}/metrics").text
            assert f'inkqueue_worker_ready{{worker="{second.id}"}} 1.0' in shown
            leave(running, client, second.id)
            client.cancel(job)
            assert client.wait(job, timeout=60).state is JobState.CANCELED


def joined(client: Client, first: str, job: str) -> WorkerOut:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if worker := other_worker(client, first):
            return worker
        assert not client.job(job).state.final, "the job was over before the second worker was ready"
        time.sleep(0.05)
    pytest.fail("the second worker never read")


def leave(running: Services, client: Client, worker: str) -> None:
    """One that is sent away finishes its batch, and is seen to be gone."""
    process = running.processes[-1]
    process.terminate()
    assert process.wait(READY_S) == 0
    assert worker not in [each.id for each in client.queue().workers]
