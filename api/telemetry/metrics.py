"""Prometheus metrics: this gateway's own answers, and what the ledger says when asked."""

import platform
import time
from collections.abc import Iterable, Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import InfoMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from worker.gauges import Gauges

from ..autoscaling import desired_workers
from ..problems import METHODS
from ..settings import GatewaySettings
from .instruments import Reading, families

disable_created_metrics()  # type: ignore[no-untyped-call]


class LedgerCollector(Collector):
    """The ledger, as last read."""

    reading = Reading()

    def collect(self) -> Iterable[Metric]:
        return families(self.reading)


class BuildCollector(Collector):
    """Which program this is."""

    def __init__(self, version: str) -> None:
        self._facts = {"version": version, "python": platform.python_version()}

    def collect(self) -> Iterable[Metric]:
        yield InfoMetricFamily("inkqueue_build", "The version that runs.", self._facts)


class Metrics:
    """One gateway's registry."""

    media_type = CONTENT_TYPE_LATEST

    def __init__(self, models: Sequence[str], version: str, settings: GatewaySettings) -> None:
        self._models, self._settings = models, settings
        self._registry = CollectorRegistry()
        self._ledger = LedgerCollector()
        self._registry.register(self._ledger)
        self._registry.register(BuildCollector(version))
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "inkqueue_http_requests",
            "Answers of this gateway.",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "inkqueue_http_request_duration_seconds",
            "Time to answer.",
            ["route"],
            registry=self._registry,
        )
        self.refused = Counter(
            "inkqueue_refused_connections",
            "Connections and requests ended at the edge.",
            ["problem"],
            registry=self._registry,
        )
        for problem in ("request-timeout", "too-many-connections", "unread-answer"):
            self.refused.labels(problem)  # so that the first of them is a change that can be seen
        self.streams = Gauge(
            "inkqueue_event_streams", "Event streams that are open.", registry=self._registry
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was answered. Methods that are none of ours are counted as one."""
        known = method if method in (*METHODS, "HEAD", "OPTIONS") else "other"
        self._requests.labels(known, route, status).inc()
        self._seconds.labels(route).observe(seconds)

    async def render(self, gauges: Gauges) -> bytes:
        """The text that Prometheus reads."""
        backlogs, alive = await gauges.backlogs(self._models), await gauges.workers()
        measures = await gauges.measures()
        self._ledger.reading = Reading(
            stats=await gauges.stats(),
            measures=measures,
            backlogs=backlogs,
            alive=alive,
            seen=await gauges.workers(within_ms=60_000),
            memory=await gauges.memory(),
            desired=desired_workers(backlogs, alive, measures, self._settings),
        )
        return generate_latest(self._registry)


class Measured:
    """ASGI middleware: counts and times every answer by its route, and sets the safety headers."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status, noted = time.perf_counter(), 500, False

        def note() -> None:
            nonlocal noted
            if not noted:
                noted = True
                route = getattr(scope.get("route"), "path", "none")
                seconds = time.perf_counter() - start
                self._metrics.answered(scope["method"], route, status, seconds)

        async def send_noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if _is_stream(message):
                    note()  # it lasts as long as its job; the answer is that it began
                message["headers"] = guarded(list(message["headers"]))
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        finally:
            note()


def _is_stream(start: Message) -> bool:
    """Whether an answer is an event stream."""
    kinds = (value for name, value in start["headers"] if name == b"content-type")
    return next(kinds, b"").startswith(b"text/event-stream")


Headers = list[tuple[bytes, bytes]]

SAFETY = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))


def guarded(headers: Headers) -> Headers:
    """`headers`, and those of SAFETY that an answer does not set itself."""
    own = {name for name, _ in headers}
    return [*headers, *(pair for pair in SAFETY if pair[0] not in own)]
