"""Traces by the OpenTelemetry SDK, sent over OTLP/HTTP; imported only if they are asked for."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from .tracing import Attributes, Span, Tracer

CLOSE_S = 3.0
"""A receiver that hangs delays the end of a process by at most this."""

_W3C = TraceContextTextMapPropagator()


class OpenTelemetry(Tracer):
    """A tracer that sends spans; if the receiver does not answer, they are lost, and nothing else is."""

    listening = True

    def __init__(self, service: str) -> None:
        told = OTELResourceDetector().detect()  # OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES
        resource = Resource.create({SERVICE_NAME: service}).merge(told)
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("inkqueue")

    @contextmanager
    def span(self, name: str, parent: str | None, attributes: Attributes) -> Iterator[Span]:
        context = _context(parent) if parent else Context()
        kind = trace.SpanKind.SERVER
        with self._tracer.start_as_current_span(name, context, kind, attributes) as span:
            yield span

    def current(self) -> str | None:
        return _parent(trace.get_current_span())

    def record(
        self, name: str, parent: str, began: float, ended: float, attributes: Attributes
    ) -> str | None:
        span = self._tracer.start_span(
            name, _context(parent), attributes=attributes, start_time=_ns(began)
        )
        span.end(_ns(ended))
        return _parent(span)

    def close(self) -> None:
        last = threading.Thread(target=self._provider.shutdown, name="last spans", daemon=True)
        last.start()
        last.join(CLOSE_S)


def _parent(span: trace.Span) -> str | None:
    carrier: dict[str, str] = {}
    _W3C.inject(carrier, trace.set_span_in_context(span, Context()))
    return carrier.get("traceparent")


def _context(parent: str) -> Context:
    return _W3C.extract({"traceparent": parent}, Context())


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)
