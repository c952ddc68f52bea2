"""Workers come and go while a job runs, as seen from the ledger's own facts."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np

from api.client import Client
from api.schemas.queues import WorkerOut
from worker.ledger.jobs import JobState

from samples import glyphs
from services import READY_S, Services, running_services
from waiting import until

IMAGES = 20_000


def test_a_worker_that_joins_takes_up_work_and_one_that_leaves_loses_none(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    array = np.tile(glyphs(100, rng), (IMAGES // 100, 1, 1))
    with running_services(tmp_path, INKQUEUE_MODELS="digits") as running:
        running.spawn("api")
        first = running.spawn("worker")
        running.wait_ready()
        with Client(running.url) as client:
            (known,) = client.queue().workers
            with stopped(first.pid):  # lest it read all before another one is there
                job = client.submit(array, model="digits")
                running.spawn("worker")
                leave(running, client, until(lambda: joined(client, known), READY_S))
            assert client.wait(job, timeout=60).state is JobState.SUCCEEDED


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """A process stands still meanwhile."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def joined(client: Client, known: WorkerOut) -> list[WorkerOut]:
    """The worker that is not the known one, once it has claimed work."""
    return [each for each in client.queue().workers if each.id != known.id and each.first_claim_at]


def leave(running: Services, client: Client, joined: list[WorkerOut]) -> None:
    """One that is sent away finishes its batch, and is seen to be gone."""
    (worker,) = joined
    assert worker.ready_at is not None
    shown = httpx.get(f"{running.url}/metrics").text
    assert f'inkqueue_worker_ready{{worker="{worker.id}"}} 1.0' in shown
    process = running.processes[-1]
    process.terminate()
    assert process.wait(READY_S) == 0
    assert worker.id not in [each.id for each in client.queue().workers]
