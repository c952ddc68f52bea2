"""How many workers there should be: by what waits, what one reads, and the bounds that are set."""

import json

import httpx
import numpy as np
import pytest

from api.autoscaling import desired_workers
from api.client import Client
from api.settings import GatewaySettings
from worker.engine.pace import HALF_LIFE_S, Paces
from worker.ledger.gauges import Backlog, Queue
from worker.ledger.measures import ForwardPass, Measures

from samples import pngs
from services import Services

SETTINGS = GatewaySettings(drain_s=60, min_workers=1, max_workers=10)


def backlog(images: int, model: str = "balanced") -> Backlog:
    return Backlog(model, 0.0, (Queue("bulk", 1, images, 1, 0, 1.0),))


def worker(**rates: float) -> dict[str, str]:
    return {"id": "w", "rates": json.dumps(rates)}


def measured(images: int, seconds: float) -> dict[str, int]:
    measures = Measures()
    measures.add_batch("balanced", [], [ForwardPass(images, 0.0, seconds / 4, seconds * 3 / 4)])
    return dict(measures.take())


@pytest.mark.parametrize(
    ("images", "rates", "wanted"),
    [
        (0, [100.0], 1),  # idle: the least that is set
        (1, [100.0], 1),
        (6_000, [100.0], 1),  # exactly what one reads in the time
        (1_998, [33.3], 1),  # and so in binary fractions
        (6_001, [100.0], 2),
        (30_000, [100.0, 50.0], 7),  # their mean, 75: 6.67 workers
        (12_000, [100.0, 0.0], 2),  # one has read nothing yet
        (10**7, [100.0], 10),  # the most that is set
        (10**6, [0.0], 1),  # nobody knows a rate: one, who will measure it
    ],
)
def test_the_figure_is_work_by_time_within_bounds(images: int, rates: list[float], wanted: int) -> None:
    workers = [worker(balanced=rate) for rate in rates]
    assert desired_workers([backlog(images)], workers, {}, SETTINGS) == wanted


def test_models_add_up_and_an_unknown_one_counts_as_one_worker() -> None:
    queues = [backlog(9_000), backlog(500, "letters")]
    assert desired_workers(queues, [worker(balanced=100.0)], {}, SETTINGS) == 3
    assert desired_workers(queues, [worker(balanced=100.0, letters=1000.0)], {}, SETTINGS) == 2


def test_without_workers_the_ledger_remembers_how_fast_they_were() -> None:
    history = measured(200, 2.0)  # 100 images a second
    assert desired_workers([backlog(24_000)], [], history, SETTINGS) == 4
    assert desired_workers([backlog(24_000)], [worker(balanced=50.0)], history, SETTINGS) == 8
    assert desired_workers([backlog(24_000)], [], measured(1, 0.0), SETTINGS) == 1  # too quick to tell


def test_no_worker_is_wanted_when_idle_if_that_is_set() -> None:
    zero = GatewaySettings(min_workers=0)
    assert desired_workers([backlog(0)], [], {}, zero) == 0
    assert desired_workers([backlog(1)], [], {}, zero) == 1
    assert desired_workers([backlog(1)], [], measured(10**6, 1.0), zero) == 1  # however soon it is read


def test_a_pace_is_of_full_batches_and_of_late() -> None:
    paces = Paces(full=128)
    for _ in range(100):
        paces.add("balanced", 1, 0.01)
    assert paces.rates() == {"balanced": 100.0}
    paces.add("balanced", 256, 0.256)
    assert paces.rates() == {"balanced": 1000.0}
    for _ in range(10):
        paces.add("balanced", 500, HALF_LIFE_S)
    assert 100.0 <= paces.rates()["balanced"] < 101.0


def test_the_gateway_says_what_waits_and_who_reads(services: Services, rng: np.random.Generator) -> None:
    with Client(services.url) as client:
        client.predict(pngs(1, rng)[0])
        queue = client.queue()
    (worker,) = queue.workers
    assert queue.desired_workers == 1
    assert {each.model for each in queue.models} == set(worker.models)
    assert [lane.lane for lane in queue.models[0].lanes] == ["interactive", "bulk"]
    assert worker.ready_at is not None
    assert worker.first_claim_at is not None
    text = httpx.get(f"{services.url}/v1/queue").json()
    assert set(text) == {"models", "workers", "desired_workers"}
    assert set(text["models"][0]) == {"model", "lanes", "images_per_second"}
    assert set(text["models"][0]["lanes"][0]) == {"lane", "jobs", "images", "oldest_seconds"}
