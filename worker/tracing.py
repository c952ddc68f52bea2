"""Optional OpenTelemetry traces: one from the gateway's submission to the worker's commit.

Off, and nothing of OpenTelemetry imported, unless its own variables name a receiver
(OTEL_EXPORTER_OTLP_ENDPOINT) and the extra `otel` is installed. A job carries the trace it belongs to in
its options, as a W3C traceparent.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

log = logging.getLogger(__name__)

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
Attributes = Mapping[str, str | int | float]


class Span(Protocol):
    """Something under way; a span of OpenTelemetry is one."""

    def update_name(self, name: str) -> None:
        """Give it the name that is known only now."""

    def set_attributes(self, attributes: Attributes) -> None:
        """Add what is known about it only now."""


class Tracer:
    """A tracer to which nobody listens: does nothing."""

    listening = False

    @contextmanager
    def span(self, name: str, parent: str | None, attributes: Attributes) -> Iterator[Span]:
        """Something that begins now and ends with the block."""
        yield _Nothing()

    def current(self) -> str | None:
        """The traceparent of what is under way, for what follows from it."""
        return None

    def record(
        self, name: str, parent: str, began: float, ended: float, attributes: Attributes
    ) -> str | None:
        """Something that is over, timed in seconds since 1970; returns its traceparent."""
        return None

    def close(self) -> None:
        """Send what is left."""


class _Nothing:
    def update_name(self, name: str) -> None:
        """Nobody listens."""

    def set_attributes(self, attributes: Attributes) -> None:
        """Nobody listens."""


def start(service: str) -> Tracer:
    """The tracer of this process, which is called `service` unless OTEL_SERVICE_NAME says otherwise."""
    disabled = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    if disabled or not any(os.environ.get(name) for name in ENDPOINTS):
        return Tracer()
    try:
        from .telemetry import OpenTelemetry
    except ImportError:
        log.warning("traces need more packages: in Inkqueue's folder, pip install '.[otel]'")
        return Tracer()
    return OpenTelemetry(service)
