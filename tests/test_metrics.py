"""What Prometheus is told: by its conventions, complete from the first scrape, and true."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
import redis
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily
from prometheus_client.parser import text_string_to_metric_families

from api.problems import METHODS
from api.telemetry import instruments
from api.telemetry.counters import counter_families
from api.telemetry.instruments import MOST_WORKERS, Reading
from model.card import read_cards
from worker.ledger.gauges import Backlog, Memory, Outgoing, Pressure, Queue
from worker.ledger.jobs import JobState

from samples import glyphs, npy_of, pngs, zip_of
from services import Services, beside, gateway_and_worker, lone_gateway
from waiting import until

NPY, PNG = {"Content-Type": "application/x-npy"}, {"Content-Type": "image/png"}
UNITS = ("seconds", "bytes", "images", "info")
LABELS = {
    "problem",
    "model",
    "lane",
    "worker",
    "state",
    "type",
    "outcome",
    "method",
    "route",
    "status",
    "le",
}

Figures = dict[tuple[str, frozenset[tuple[str, str]]], float]


def families(http: httpx.Client) -> list[Metric]:
    answer = http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return list(text_string_to_metric_families(answer.text))


def figures(found: list[Metric]) -> Figures:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in found
        for sample in family.samples
    }


def read(found: Figures, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A stack whose figures are those of this file alone."""
    folder = tmp_path_factory.mktemp("measured")
    with gateway_and_worker(folder, INKQUEUE_MODELS="digits-nano", INKQUEUE_BATCH="64") as running:
        yield running


def test_names_units_and_help_keep_the_conventions(http: httpx.Client) -> None:
    http.get("/v1/models")
    for family in families(http):
        assert re.fullmatch(r"(inkqueue|process)_[a-z0-9_]+", family.name), family.name
        assert family.documentation.rstrip(".?") not in ("", family.name), family.name
        assert not family.name.endswith(("_total", "_count", "_sum", "_bucket", "_created")), family.name
        assert family.type in ("counter", "gauge", "histogram"), family.name
        names = {sample.name for sample in family.samples}
        if family.type == "counter":
            assert names <= {f"{family.name}_total"}, family.name
        if family.type == "histogram":
            assert family.name.endswith(UNITS), family.name
        assert not re.search(r"_(ms|milliseconds|us|minutes|mb|kb|percent)(_|$)", family.name)


def test_labels_are_few_and_bounded(http: httpx.Client) -> None:
    for path in ("/nowhere", "/v1/jobs/nobody", "/v1/jobs/nobody2"):
        assert http.get(path).status_code == 404
    assert http.request("PROPFIND", "/v1/jobs").status_code == 405
    known = set(read_cards())
    for family in families(http):
        for sample in family.samples:
            if family.name.startswith("inkqueue") and family.name != "inkqueue_build_info":
                assert set(sample.labels) <= LABELS
            assert sample.labels.get("model", "digits") in known
            assert sample.labels.get("method", "GET") in (*METHODS, "HEAD", "OPTIONS", "other")
            assert "nobody" not in sample.labels.get("route", "")
    assert 'method="other"' in http.get("/metrics").text


def test_counters_are_there_before_anything_happened(tmp_path: Path) -> None:
    with lone_gateway(tmp_path) as running, httpx.Client(base_url=running.url) as http:
        found = figures(families(http))
    for state in (each for each in JobState if each.final):
        assert read(found, "inkqueue_jobs_ended_total", state=state) == 0
    assert read(found, "inkqueue_image_failures_total", type="undecodable-image") == 0
    assert read(found, "inkqueue_webhooks_total", outcome="delivered") == 0
    for name in ("jobs_accepted", "images_succeeded", "chunks_reclaimed", "commits_different"):
        assert read(found, f"inkqueue_{name}_total") == 0
    assert read(found, "inkqueue_workers") == 0
    assert read(found, "inkqueue_desired_workers") == 1


def test_what_is_counted_and_measured_is_what_was_done(own: Services, rng: np.random.Generator) -> None:
    wait = {"Prefer": "wait=30"}
    files = {f"{number}.png": data for number, data in enumerate(pngs(10, rng))} | {"torn.png": b"no"}
    with httpx.Client(base_url=own.url, timeout=60) as http:
        query = {"model": "digits-nano"}
        array = npy_of(glyphs(600, rng))
        assert http.post("/v1/jobs", params=query, content=array, headers=NPY | wait).is_success
        archive = {"Content-Type": "application/zip"} | wait
        assert http.post("/v1/jobs", params=query, content=zip_of(files), headers=archive).is_success
        found = figures(families(http))
    assert read(found, "inkqueue_jobs_accepted_total") == 2
    assert read(found, "inkqueue_jobs_ended_total", state="succeeded") == 1
    assert read(found, "inkqueue_jobs_ended_total", state="partially_failed") == 1
    assert read(found, "inkqueue_images_succeeded_total") == 610
    assert read(found, "inkqueue_image_failures_total", type="undecodable-image") == 1
    assert read(found, "inkqueue_queued_images", model="digits-nano", lane="bulk") == 0
    model = {"model": "digits-nano"}
    for name in ("batch_images", "decode_seconds", "forward_seconds"):
        assert read(found, f"inkqueue_{name}_count", **model) == 3
        assert_adds_up(found, f"inkqueue_{name}")
    assert read(found, "inkqueue_batch_images_sum", **model) == 610
    assert read(found, "inkqueue_batch_images_bucket", le="16.0", **model) == 1
    assert read(found, "inkqueue_batch_images_bucket", le="512.0", **model) == 3
    assert read(found, "inkqueue_chunk_wait_seconds_count", **model) == 3
    assert 0 < read(found, "inkqueue_forward_seconds_sum", **model) < 30
    used = read(found, "inkqueue_redis_memory_used_bytes")
    promised, allowed = (
        read(found, f"inkqueue_redis_memory_{name}_bytes") for name in ("promised", "allowed")
    )
    assert 500_000 < used < 1.5 * promised  # nothing is queued now
    assert promised < allowed < read(found, "inkqueue_redis_memory_limit_bytes")
    assert read(found, "inkqueue_workers") == 1
    assert [value for (name, _), value in found.items() if name == "inkqueue_worker_ready"] == [1]


def test_a_redis_that_becomes_unsafe_is_told_of(own: Services) -> None:
    with httpx.Client(base_url=own.url) as http, redis.Redis.from_url(own.redis_url) as client:
        for value, unsafe in (("everysec", 1), ("always", 0)):
            client.config_set("appendfsync", value)
            until(lambda told=unsafe: read(figures(families(http)), "inkqueue_redis_unsafe") == told)


def test_counters_survive_their_gateway(own: Services) -> None:
    with httpx.Client(base_url=own.url) as http:
        before = figures(families(http))
    with beside(own) as other, httpx.Client(base_url=other.url) as http:
        after = figures(families(http))
    lasting = {key: value for key, value in before.items() if key[0].startswith("inkqueue_images_")}
    lasting |= {key: value for key, value in before.items() if "batch" in key[0] or "wait" in key[0]}
    assert len(lasting) > 20
    assert lasting.items() <= after.items()


def test_each_figure_has_a_name_of_its_own() -> None:
    lanes = (Queue("interactive", 1, 2, 3, 4, 5.5), Queue("bulk", 6, 7, 8, 9, None))
    seen = [{"id": f"w{n}", "rates": f'{{"m": {n}}}'} for n in range(MOST_WORKERS + 1)]
    reading = Reading(
        stats={},
        measures={},
        backlogs=[Backlog("m", 10.0, lanes)],
        alive=seen[1:3],
        seen=seen,
        memory=Memory(11, 12),
        pressure=Pressure(13, 14.0, 15, 16, 17, 18),
        outgoing=Outgoing(19, 20, 21.5),
        unsafe=True,
        desired=22,
        peak=23,
    )
    found = figures(list(instruments.families(reading)))
    names = ("open_jobs", "queued_images", "due_chunks", "leased_chunks", "oldest_due_chunk_age_seconds")
    for lane, told in (("interactive", (1, 2, 3, 4, 5.5)), ("bulk", (6, 7, 8, 9, 0))):
        assert tuple(read(found, f"inkqueue_{name}", model="m", lane=lane) for name in names) == told
    for name, value in {
        "workers": 2,
        "desired_workers": 22,
        "senders": 19,
        "webhooks_waiting": 20,
        "oldest_due_webhook_age_seconds": 21.5,
        "redis_memory_used_bytes": 11,
        "redis_memory_limit_bytes": 12,
        "redis_memory_promised_bytes": 15,
        "redis_memory_allowed_bytes": 16,
        "redis_unsafe": 1,
        "queued_images_peak": 23,
    }.items():
        assert read(found, f"inkqueue_{name}") == value, name
    assert [read(found, "inkqueue_worker_ready", worker=f"w{n}") for n in range(4)] == [0, 1, 1, 0]
    assert read(found, "inkqueue_worker_images_per_second", worker="w3", model="m") == 3
    assert not [labels for _, labels in found if ("worker", f"w{MOST_WORKERS}") in labels]


def test_counters_that_nobody_listed_are_shown_too() -> None:
    stats = {
        "webhooks_retried": 3,
        "webhooks_delivered": 2,
        "thumbnails_drawn": 4,
        "odd:kind-a": 1,
        "more-odd": 5,
    }
    shown = {
        (sample.name, *sample.labels.values()): sample.value
        for family in counter_families(stats | {"jobs_ended": 7})
        for sample in family.samples
    }
    assert shown["inkqueue_webhooks_total", "retried"] == 3
    assert shown["inkqueue_webhooks_total", "delivered"] == 2
    assert shown["inkqueue_webhooks_total", "failed"] == 0
    assert shown["inkqueue_thumbnails_drawn_total",] == 4
    assert shown["inkqueue_odd_total", "kind-a"] == 1
    assert shown["inkqueue_more_odd_total",] == 5
    assert shown["inkqueue_jobs_ended_total", "unknown"] == 7
    assert all(isinstance(each, CounterMetricFamily) for each in counter_families({}))


def assert_adds_up(found: Figures, name: str) -> None:
    """Buckets only grow, and the last holds everything."""
    buckets = [
        (float(dict(labels)["le"]), value)
        for (sample, labels), value in found.items()
        if sample == f"{name}_bucket"
    ]
    values = [value for _, value in sorted(buckets)]
    assert values == sorted(values)
    assert max(buckets)[0] == float("inf")
    assert values[-1] == read(found, f"{name}_count", model="digits-nano")
