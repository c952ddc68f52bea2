"""Logs: lines for people or for machines, which nobody can forge and which tell no secret."""

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from api.telemetry.access import AccessLogFilter
from worker import logs
from worker.settings import QueueSettings

from samples import glyphs, npy_of

READY_S = 60.0
HOSTILE = 'a\n{"event": "forged"}\r\x1b[31m\u2028b'


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """What was logged so far; logging is as before afterwards."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield lambda: capsys.readouterr().err
    root.handlers[:] = before
    root.setLevel(level)
    logs._bound.clear()


def test_json_is_one_object_a_line_whatever_is_said(written: Callable[[], str]) -> None:
    logs.configure(QueueSettings(log="json"), "gateway")
    logs.bind(worker="w-1")
    log = logging.getLogger("somewhere")
    log.info("read %s", HOSTILE, extra={"event": "e", "job": HOSTILE, "images": 3})
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        log.exception("it broke")
    first, second = (json.loads(line) for line in written().removesuffix("\n").split("\n"))
    assert list(first)[:3] == ["time", "level", "event"]
    assert first["message"] == f"read {HOSTILE}"
    assert (first["job"], first["images"], first["event"]) == (HOSTILE, 3, "e")
    assert (first["process"], first["worker"], first["logger"]) == ("gateway", "w-1", "somewhere")
    assert (second["level"], second["event"]) == ("ERROR", "message")
    assert "ValueError" in second["exc_info"]


def test_text_cannot_be_forged_either(written: Callable[[], str]) -> None:
    logs.configure(QueueSettings(log="text"), "gateway")
    log = logging.getLogger("somewhere")
    log.info("read %s", HOSTILE, extra={"event": "e", "job": "j1", "told": "read"})
    try:
        raise ValueError(f"first\n2026-11-28 INFO forged {HOSTILE}")
    except ValueError:
        log.exception("it broke")
    text = written()
    first, *rest = text.split("\n")
    assert first.endswith("b job=j1")
    assert not set(text) & set("\x1b\r\u2028")
    assert not [line for line in rest[1:] if line and not line.startswith("    ")]


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("user", ["user:s3cret", ":p@s3cret"])
def test_no_password_of_an_address_is_shown(written: Callable[[], str], form: str, user: str) -> None:
    logs.configure(QueueSettings(log=form), "worker")
    url = f"redis://{user}@redis:6379/0"
    try:
        raise ConnectionError(f"cannot reach {url}")
    except ConnectionError:
        logging.getLogger("x").exception("gone: %s", url, extra={"where": url})
    text = written()
    assert "s3cret" not in text
    assert text.count("redis://***@redis:6379/0") >= 2


def test_levels_are_obeyed(written: Callable[[], str]) -> None:
    logs.configure(QueueSettings(log_level="warning"), "gateway")
    logging.getLogger("x").info("quiet")
    logging.getLogger("httpx").info("quiet")
    logging.getLogger("x").warning("loud")
    assert len(written().splitlines()) == 1


def test_the_access_log_names_the_job_and_not_the_query() -> None:
    args = ("1.2.3.4:5", "GET", "/v1/jobs/job_1/results?callback_url=https://k:s3cret@x", "1.1", 200)
    record = logging.LogRecord("uvicorn.access", logging.INFO, "", 0, "%s %s %s %s %d", args, None)
    assert AccessLogFilter().filter(record)
    assert record.getMessage() == "GET /v1/jobs/job_1/results 200"
    assert (vars(record)["job"], vars(record)["status"]) == ("job_1", 200)
    for path, status, shown in (("/healthz", 200, False), ("/readyz", 503, True), ("/", 200, True)):
        args = ("1.2.3.4:5", "GET", path, "1.1", status)
        record = logging.LogRecord("uvicorn.access", logging.INFO, "", 0, "%s %s %s %s %d", args, None)
        assert AccessLogFilter().filter(record) is shown
        assert "job" not in vars(record)


def test_a_jobs_way_can_be_followed_by_its_id(tmp_path: Path, rng: np.random.Generator) -> None:
    told = run_a_job(tmp_path, npy_of(glyphs(600, rng)))
    assert {each["process"] for each in told} == {"stack", "gateway", "worker", "sender"}
    (job,) = {each["job"] for each in told if each["event"] == "job.accepted"}
    way = [each for each in told if each.get("job") == job]
    events = [each["event"] for each in way]
    assert events[0] == "job.accepted"
    assert events.count("chunk.committed") == 2
    assert events.count("job.ended") == 1
    assert "request" in events
    read = [each for each in way if each["event"] == "chunk.committed"]
    assert {each["process"] for each in read} == {"worker"}
    assert {each["worker"] for each in read} == {
        each["worker"] for each in told if each["event"] == "worker.ready"
    }
    assert sorted(each["chunk"] for each in read) == [0, 1]
    assert sum(each["images"] for each in read) == 600
    assert all(each["verdict"] == "new" for each in read)


def run_a_job(folder: Path, images: bytes) -> list[dict[str, Any]]:
    """Everything that `inkqueue up` says while it reads a job of `images`; it must all be JSON."""
    environment = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    environment |= {"INKQUEUE_LOG": "json", "INKQUEUE_THREADS": "1"}
    environment |= {"INKQUEUE_MODELS": "digits-nano", "INKQUEUE_BATCH": "64"}
    command = [sys.executable, "-m", "api.cli", "up", "--port", "0", "--workers", "1"]
    with (folder / "log").open("w+") as log:
        process = subprocess.Popen(
            [*command, "--data", str(folder / "data")], env=environment, stdout=log, stderr=log
        )
        try:
            url = ready(process, folder / "log")
            headers = {"Content-Type": "application/x-npy", "Prefer": "wait=30"}
            with httpx.Client(base_url=url, timeout=60) as http:
                query = {"model": "digits-nano", "metadata": '{"name": "s3cret"}'}
                answer = http.post("/v1/jobs", params=query, content=images, headers=headers)
                assert answer.json()["state"] == "succeeded"
                http.get(answer.headers["location"])
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
    text = (folder / "log").read_text()
    assert "s3cret" not in text
    return [json.loads(line) for line in text.splitlines()]


def ready(process: "subprocess.Popen[bytes]", log: Path) -> str:
    """The address, once the stack says that it is ready, which it is without its sender."""
    end = time.monotonic() + READY_S
    while time.monotonic() < end and process.poll() is None:
        text = log.read_text()
        for line in text.splitlines():
            if '"READY in' in line and '"sender"' in text:
                return str(json.loads(line)["message"].split(": ", 1)[1].split()[0])
        time.sleep(0.05)
    raise TimeoutError(log.read_text())
