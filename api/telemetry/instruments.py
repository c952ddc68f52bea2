"""The ledger's figures of queues, workers and times, as Prometheus metric families."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric

from worker.ledger.gauges import Backlog, Memory, Outgoing, Pressure
from worker.ledger.measures import SCALES, bucket_names, histograms

from ..autoscaling import rates_of
from .counters import counter_families

MOST_WORKERS = 200
"""Most workers with metrics of their own, so that many do not flood Prometheus; all are counted."""


@dataclass(frozen=True)
class Reading:
    """Everything read from the ledger for one scrape. `seen` workers reported within the last minute;
    `unsafe`: no job is accepted, since Redis could lose it or lets strangers in."""

    stats: Mapping[str, int]
    measures: Mapping[str, int]
    backlogs: Sequence[Backlog]
    alive: Sequence[Mapping[str, str]]
    seen: Sequence[Mapping[str, str]]
    memory: Memory
    pressure: Pressure
    outgoing: Outgoing
    unsafe: bool
    desired: int
    peak: int


def families(reading: Reading) -> Iterator[Metric]:
    """All metrics of a reading."""
    yield from counter_families(reading.stats)
    yield from _queues(reading.backlogs)
    yield from _workers(reading)
    yield from _histograms(reading.measures)
    yield from _outbox(reading.outgoing)
    yield from _redis(reading)
    yield _gauge("queued_images_peak", "Most images ever queued at once.", reading.peak)


def _queues(backlogs: Sequence[Backlog]) -> Iterator[Metric]:
    kinds = {
        "open_jobs": "Unfinished jobs.",
        "queued_images": "Images accepted and not yet read.",
        "due_chunks": "Chunks of images that a worker may claim now.",
        "leased_chunks": "Chunks of images that workers have claimed and not yet committed.",
        "oldest_due_chunk_age_seconds": "Seconds the oldest unclaimed chunk has been due; 0: none is.",
    }
    shown = {
        name: GaugeMetricFamily(f"inkqueue_{name}", words, labels=["model", "lane"])
        for name, words in kinds.items()
    }
    for backlog in backlogs:
        for lane in backlog.lanes:
            figures = (lane.jobs, lane.images, lane.due, lane.leased, lane.oldest_s or 0.0)
            for metric, figure in zip(shown.values(), figures, strict=True):
                metric.add_metric([backlog.model, lane.lane], figure)
    yield from shown.values()


def _workers(reading: Reading) -> Iterator[Metric]:
    yield _gauge("workers", "Workers heard from in the last 10 s.", len(reading.alive))
    yield _gauge("desired_workers", "Workers that should run (see /v1/queue).", reading.desired)
    ready = GaugeMetricFamily(
        "inkqueue_worker_ready",
        "1 if the worker was heard from in the last 10 s.",
        labels=["worker"],
    )
    rates = GaugeMetricFamily(
        "inkqueue_worker_images_per_second",
        "Images per second of a worker's busy time.",
        labels=["worker", "model"],
    )
    alive = {each["id"] for each in reading.alive}
    for worker in reading.seen[:MOST_WORKERS]:
        ready.add_metric([worker["id"]], worker["id"] in alive)
        for model, rate in rates_of(worker).items():
            rates.add_metric([worker["id"], model], rate)
    yield from (ready, rates)


def _outbox(outgoing: Outgoing) -> Iterator[Metric]:
    yield _gauge("senders", "Webhook sender processes that are running.", outgoing.senders)
    yield _gauge("webhooks_waiting", "Webhook messages that are still to be sent.", outgoing.waiting)
    oldest = "Seconds the oldest unsent webhook has been due; 0: none is."
    yield _gauge("oldest_due_webhook_age_seconds", oldest, outgoing.oldest_s or 0.0)


def _redis(reading: Reading) -> Iterator[Metric]:
    memory, pressure = reading.memory, reading.pressure
    promised = "Memory that Redis uses, plus what the results of queued images will take."
    allowed = "Memory limit (used plus promised) above which jobs are refused."
    yield _gauge("redis_memory_used_bytes", "Memory that Redis uses.", memory.used)
    yield _gauge("redis_memory_limit_bytes", "Redis's maxmemory in bytes; 0: no limit.", memory.limit)
    yield _gauge("redis_memory_promised_bytes", promised, pressure.used)
    yield _gauge("redis_memory_allowed_bytes", allowed, pressure.most)
    yield _gauge("redis_unsafe", "1 if jobs are refused because Redis is unsafe.", reading.unsafe)


def _histograms(measures: Mapping[str, int]) -> Iterator[Metric]:
    for scale in SCALES:
        metric = HistogramMetricFamily(f"inkqueue_{scale.name}", scale.words, labels=["model"])
        for model, one in histograms(measures, scale):
            bounds = (*bucket_names(scale)[:-1], "+Inf")
            metric.add_metric([model], list(zip(bounds, accumulate(one.counts), strict=True)), one.sum)
        yield metric


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(f"inkqueue_{name}", words, value)
