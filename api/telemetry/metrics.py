"""Prometheus metrics: of this gateway's answers, and of the ledger, which is read for each scrape."""

import platform
from collections.abc import Iterable, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from worker.ledger.gauges import Gauges

from ..autoscaling import desired_workers
from ..problems import METHODS
from ..settings import GatewaySettings
from .instruments import Reading, families
from .multiprocess import joint_registry

KNOWN = (*METHODS, "HEAD", "OPTIONS")

disable_created_metrics()  # type: ignore[no-untyped-call]


class LedgerCollector(Collector):
    """The ledger, as last read: `reading` is set for each scrape."""

    reading: Reading

    def collect(self) -> Iterable[Metric]:
        return families(self.reading)


class Metrics:
    """The metrics of one gateway, and of those that share its port."""

    media_type = CONTENT_TYPE_LATEST

    def __init__(self, models: Sequence[str], version: str, settings: GatewaySettings) -> None:
        self._models, self._settings = models, settings
        own, joint = CollectorRegistry(), joint_registry()
        self._registry, self._ledger = joint or own, LedgerCollector()
        self._registry.register(self._ledger)
        build = Info("inkqueue_build", "Version of the gateway and of Python.", registry=self._registry)
        build.info({"version": version, "python": platform.python_version()})
        if not joint:  # among many, one process is of no interest
            ProcessCollector(registry=own)
        self._requests = Counter(
            "inkqueue_http_requests",
            "HTTP requests answered, by method, route and status.",
            ["method", "route", "status"],
            registry=own,
        )
        self._seconds = Histogram(
            "inkqueue_http_request_duration_seconds",
            "Seconds to the end of an answer; of an event stream, to its beginning.",
            ["route"],
            registry=own,
        )
        self.refused = Counter(
            "inkqueue_refused_connections",
            "Connections and requests refused or cut off by the server itself, by problem.",
            ["problem"],
            registry=own,
        )
        self._found: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        for problem in ("request-timeout", "too-many-connections", "unread-answer"):
            self.refused.labels(problem)  # so that the first one shows as a change from 0
        self.streams = Gauge(
            "inkqueue_event_streams",
            "Event streams that are open now.",
            registry=own,
            multiprocess_mode="livesum",
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count and time an answer. Unknown methods are counted as `other`."""
        requests, durations = self._of(method if method in KNOWN else "other", route, status)
        requests.inc()
        durations.observe(seconds)

    def _of(self, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
        """Counter and histogram, cached: to find them by their labels costs more than to add to them."""
        known = self._found.get(key := (method, route, status))
        if known is None:
            requests = self._requests.labels(method, route, status)
            known = self._found[key] = (requests, self._seconds.labels(route))
        return known

    async def render(self, gauges: Gauges, unsafe: bool) -> bytes:
        """The text that Prometheus reads; `unsafe`: jobs are refused, since Redis is unsafe."""
        settings = self._settings
        backlogs, alive = await gauges.backlogs(self._models), await gauges.workers()
        measures = await gauges.measures()
        self._ledger.reading = Reading(
            stats=await gauges.stats(),
            measures=measures,
            backlogs=backlogs,
            alive=alive,
            seen=await gauges.workers(within_ms=60_000),
            memory=await gauges.memory(),
            pressure=await gauges.pressure(self._models, settings.redis_memory, settings.memory_mark),
            outgoing=await gauges.outgoing(),
            unsafe=unsafe,
            peak=await gauges.peak(),
            desired=desired_workers(backlogs, alive, measures, settings),
        )
        return generate_latest(self._registry)
