"""Prometheus metrics: requests of this gateway, and the ledger's own counters read when asked."""

import time
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from worker import keys
from worker.gauges import Gauges


class LedgerCounters(Collector):
    """The ledger's counters, as last read."""

    def __init__(self) -> None:
        self.stats: dict[str, int] = {}

    def collect(self) -> Iterable[Metric]:
        for name, value in sorted(self.stats.items()):
            yield CounterMetricFamily(f"inkqueue_{name}", f"{name} since the ledger began", value)


class Metrics:
    """One gateway's registry."""

    media_type = CONTENT_TYPE_LATEST

    def __init__(self, models: Iterable[str]) -> None:
        self._models = tuple(models)
        self._registry = CollectorRegistry()
        self._ledger = LedgerCounters()
        self._registry.register(self._ledger)
        self.requests = Counter(
            "inkqueue_http_requests", "answers", ["method", "route", "status"], registry=self._registry
        )
        self.seconds = Histogram(
            "inkqueue_http_seconds", "time to answer", ["route"], registry=self._registry
        )
        self.refused = Counter(
            "inkqueue_refused_connections", "ended at the edge", ["problem"], registry=self._registry
        )
        self._images = Gauge(
            "inkqueue_queued_images", "accepted, not done", ["model", "lane"], registry=self._registry
        )
        self._jobs = Gauge(
            "inkqueue_open_jobs", "unfinished", ["model", "lane"], registry=self._registry
        )
        self._workers = Gauge("inkqueue_workers", "alive", registry=self._registry)

    async def render(self, gauges: Gauges) -> bytes:
        """The text that Prometheus reads."""
        self._ledger.stats = await gauges.stats()
        self._workers.set(len(await gauges.workers()))
        for model in self._models:
            for lane in keys.LANES:
                queue = await gauges.queue(model, lane)
                self._images.labels(model, lane).set(queue.images)
                self._jobs.labels(model, lane).set(queue.jobs)
        return generate_latest(self._registry)


class Measured:
    """ASGI middleware: counts and times every answer by its route, and sets the safety headers."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = time.perf_counter(), 500

        async def send_noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *SAFETY]
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            self._metrics.requests.labels(scope["method"], route, status).inc()
            self._metrics.seconds.labels(route).observe(time.perf_counter() - start)


SAFETY = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
]
