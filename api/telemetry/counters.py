"""The ledger's counters as Prometheus counters. They live in Redis, so they survive every restart.

A field of the ledger is a name, perhaps with a label after a colon. A field that is not listed here is
shown anyway, under its own name.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, Metric

from worker.ledger.jobs import JobState
from worker.ledger.results import FAILURES


@dataclass(frozen=True)
class Family:
    """A counter or, with a `label`, one for each value of it; those in `always` are shown even at 0."""

    words: str
    label: str = ""
    always: tuple[str, ...] = ()


KNOWN = {
    "jobs_accepted": Family("Jobs accepted and stored."),
    "jobs_ended": Family(
        "Jobs that reached a final state.", "state", tuple(each for each in JobState if each.final)
    ),
    "jobs_expired": Family("Jobs deleted because their time was over."),
    "images_accepted": Family("Images accepted and stored."),
    "images_succeeded": Family("Images read."),
    "images_failed": Family("Images that could not be read."),
    "images_canceled": Family("Images left unread because their job was canceled."),
    "images_expired": Family("Images left unread because their job's time was over."),
    "failures": Family("Images that could not be read, by the type of error.", "type", FAILURES[1:]),
    "chunks_reclaimed": Family("Chunks claimed again because a worker's lease ran out."),
    "commits_duplicate": Family("Chunks committed again with the same results."),
    "commits_different": Family("Chunks committed again with different results."),
    "webhooks": Family("Webhook messages, by outcome.", "outcome", ("delivered", "failed", "retried")),
}

NAMES = {"failures": "image_failures"}
"""Names of metrics that differ from the names of their fields."""

WEBHOOKS = "webhooks_"


def counter_families(stats: Mapping[str, int]) -> Iterator[Metric]:
    """A counter for everything that the ledger counts, even if it has not counted any yet."""
    grouped: dict[str, dict[str, int]] = {
        name: dict.fromkeys(family.always or ("",), 0) for name, family in KNOWN.items()
    }
    for field, value in stats.items():
        name, label = _parted(field)
        grouped.setdefault(name, {})[label] = value
    for name in sorted(grouped):
        yield _family(name, grouped[name])


def _parted(field: str) -> tuple[str, str]:
    if field.startswith(WEBHOOKS):
        return "webhooks", field.removeprefix(WEBHOOKS)
    name, _, label = field.partition(":")
    return name, label


def _family(name: str, values: Mapping[str, int]) -> Metric:
    words = name.replace("_", " ")
    family = KNOWN.get(name) or Family(f"{words.capitalize()} since the ledger began.")
    label = family.label or ("kind" if any(values) else "")
    shown = re.sub(r"\W", "_", NAMES.get(name, name), flags=re.ASCII)
    metric = CounterMetricFamily(f"inkqueue_{shown}", family.words, labels=[label] if label else None)
    for each, value in sorted(values.items()):
        metric.add_metric([each or "unknown"] if label else [], value)
    return metric
