"""Traces on real processes: one from the caller through gateway and queue to the worker's commit."""

import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from worker import tracing

from hosts import serving
from samples import glyphs, npy_of
from services import gateway_and_worker
from waiting import until

pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="the extra `otel` is not installed")
WORK = {"queue wait", "read chunk", "claim", "decode", "forward", "commit"}


@dataclass(frozen=True)
class Span:
    """A span as it was received."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    began: int
    ended: int
    facts: dict[str, Any]


@dataclass
class Receiver:
    """An OTLP/HTTP receiver, and what it was sent."""

    url: str = ""
    spans: list[Span] = field(default_factory=list)


@contextmanager
def running_receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    with serving(handler(receiver)) as receiver.url:
        yield receiver


def handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            sent = ExportTraceServiceRequest()
            sent.ParseFromString(self.rfile.read(int(self.headers["Content-Length"])))
            receiver.spans += spans_of(sent)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def spans_of(sent: Any) -> Iterator[Span]:
    for resource in sent.resource_spans:
        service = facts_of(resource.resource.attributes)["service.name"]
        for each in (span for scope in resource.scope_spans for span in scope.spans):
            ids = (each.trace_id.hex(), each.span_id.hex(), each.parent_span_id.hex())
            times = (each.start_time_unix_nano, each.end_time_unix_nano)
            yield Span(service, each.name, *ids, *times, facts_of(each.attributes))


def facts_of(attributes: Any) -> dict[str, Any]:
    return {
        each.key: getattr(each.value, each.value.WhichOneof("value") or "string_value")
        for each in attributes
    }


def test_one_trace_goes_through_gateway_queue_and_worker(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    trace, caller = secrets.token_hex(16), secrets.token_hex(8)
    with running_receiver() as receiver:
        settings = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "INKQUEUE_MODELS": "digits-nano",
            "INKQUEUE_BATCH": "64",
            "INKQUEUE_CHUNK_GLYPHS": "256",
        }
        with gateway_and_worker(tmp_path, **settings) as running:
            with httpx.Client(base_url=running.url, timeout=60) as http:
                answer = http.post(
                    "/v1/jobs",
                    params={"model": "digits-nano"},
                    content=npy_of(glyphs(300, rng)),
                    headers={
                        "Content-Type": "application/x-npy",
                        "Prefer": "wait=30",
                        "traceparent": f"00-{trace}-{caller}-01",
                    },
                )
                job = answer.json()["id"]
                assert answer.status_code == 200
                http.get(f"/v1/jobs/{job}")  # which is looked at, not traced
            wait_for(receiver, "commit", 2)
            wait_for(receiver, "POST /v1/jobs", 1)
        spans = receiver.spans
    assert {span.trace for span in spans} == {trace}
    (root,) = (span for span in spans if span.service == "inkqueue-gateway")
    assert (root.name, root.parent) == ("POST /v1/jobs", caller)
    assert root.facts["http.response.status_code"] == 200
    work = [span for span in spans if span.service == "inkqueue-worker"]
    assert {span.name for span in work} == WORK
    assert {span.facts["inkqueue.job"] for span in work} == {job}
    for chunk in (0, 1):
        assert_in_order(
            {span.name: span for span in work if span.facts["inkqueue.chunk"] == chunk}, root
        )


def assert_in_order(way: dict[str, Span], root: Span) -> None:
    """A chunk's spans hang together and follow each other."""
    whole = way["read chunk"]
    assert way["queue wait"].parent == whole.parent == root.id
    parts = [way[name] for name in ("claim", "decode", "forward", "commit")]
    assert {part.parent for part in parts} == {whole.id}
    slack = 5_000_000  # the clocks of two processes of one machine, and rounding to ms
    assert root.began <= way["queue wait"].began + slack
    assert way["queue wait"].ended <= whole.ended
    for earlier, later in pairwise(parts):
        assert earlier.began <= earlier.ended <= later.began + slack
    assert whole.began <= parts[0].began <= parts[-1].ended <= whole.ended


def wait_for(receiver: Receiver, name: str, count: int) -> None:
    until(lambda: sum(span.name == name for span in receiver.spans) >= count)


def test_a_receiver_that_hangs_holds_nobody_up() -> None:
    code = """
import time
from worker import tracing
tracer = tracing.start("inkqueue-worker")
assert tracer.listening
began = time.monotonic()
for _ in range(10_000):  # more than the queue takes
    tracer.record("a", f"00-{'a' * 32}-{'b' * 16}-01", 1.0, 2.0, {})
assert time.monotonic() - began < 10
began = time.monotonic()
tracer.close()
assert time.monotonic() - began < 9
"""
    with socket.create_server(("127.0.0.1", 0)) as hole:
        url = f"http://127.0.0.1:{hole.getsockname()[1]}"
        environment = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": url}
        subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=120)


def test_without_a_receiver_nothing_of_it_is_even_imported() -> None:
    code = "import sys, worker.engine.batch_log; from api.app import GatewaySettings, create_app; "
    code += "app = create_app(GatewaySettings()); "
    code += "assert not app.state.services.tracer.listening; "
    code += "sys.exit(any('opentelemetry.exporter' in name for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_missing_extra_is_said_and_harms_nobody(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setitem(sys.modules, "worker.telemetry", None)  # type: ignore[arg-type]
    tracer = tracing.start("inkqueue-gateway")
    assert not tracer.listening
    assert "pip install '.[otel]'" in caplog.text
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    caplog.clear()
    assert not tracing.start("inkqueue-gateway").listening
    assert not caplog.text


def test_a_tracer_that_does_nothing_still_runs_the_block() -> None:
    tracer = tracing.Tracer()
    with tracer.span("a", None, {}) as span:
        span.set_attributes({"b": 1})
        span.update_name("c")
        assert tracer.current() is None
    assert tracer.record("d", "e", 0.0, 1.0, {}) is None
