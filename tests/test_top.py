"""`inkqueue top`: one frame for pipes, JSON for programs, a live one on a terminal."""

import contextlib
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from rich.console import Console

from api.cli.frames import Frame, render, span
from api.client import Client
from api.openapi.examples import STORED
from api.schemas.jobs import JobOut
from api.schemas.queues import BacklogOut, LaneOut, QueueOut, WorkerOut

from samples import pngs
from services import Services
from waiting import until

TOP = [sys.executable, "-m", "api.cli", "top"]
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def job(services: Services, rng: np.random.Generator) -> str:
    """A job that is done, as is all else that other tests left to be read."""
    with Client(services.url) as client:
        until(lambda: not any(lane.images for each in client.queue().models for lane in each.lanes), 60)
        return client.wait(client.submit(pngs(1, rng)[0])).id


def test_one_frame_goes_into_a_pipe(services: Services, job: str) -> None:
    done = subprocess.run([*TOP, "--once", "--url", services.url], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    head, *rest = done.stdout.splitlines()
    assert head.startswith("inkqueue  ")
    assert head.endswith("1 worker, 1 desired")
    text = "\n".join(rest)
    for words in ("oldest", "balanced", "interactive", "bulk", "images/s", "cpu", job, "succeeded"):
        assert words in text
    assert "\x1b" not in done.stdout
    assert "…" not in done.stdout


def test_json_is_a_frame_too(services: Services, job: str) -> None:
    done = subprocess.run([*TOP, "--json", "--url", services.url], capture_output=True, text=True)
    frame = Frame.model_validate_json(done.stdout)
    assert frame.jobs[0].id == job
    assert len(frame.queue.workers) == 1
    assert set(json.loads(done.stdout)) == {"at", "queue", "jobs"}


def test_a_terminal_is_redrawn_until_control_c(services: Services) -> None:
    ours, theirs = pty.openpty()
    command = [*TOP, "--interval", "0.1", "--url", services.url]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "120", "LINES": "40"}
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, preexec_fn=heed
    )
    os.close(theirs)
    shown, end = b"", time.monotonic() + 30
    try:
        while shown.count(b"desired") < 3 and time.monotonic() < end:
            if select.select([ours], [], [], 0.1)[0]:
                shown += os.read(ours, 65_536)
    finally:
        process.send_signal(signal.SIGINT)
        code = end_of(process, ours)
        os.close(ours)
    assert shown.count(b"desired") >= 3
    assert b"\x1b[?1049h" in shown  # its own screen, so that the shell's comes back
    assert code == 0


def heed() -> None:
    """A shell has what it runs in the background ignore control-C, and so would what that starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def end_of(process: "subprocess.Popen[bytes]", terminal: int) -> int:
    """Its exit code; what it says meanwhile is read, or it would wait for that for ever."""
    with ThreadPoolExecutor(1) as reader:
        reader.submit(drain, terminal)
        try:
            return process.wait(60)
        finally:
            process.kill()  # else it would be read for ever


def drain(terminal: int) -> None:
    with contextlib.suppress(OSError):  # nobody is left at the other end
        while os.read(terminal, 65_536):
            pass


def test_a_frame_shows_what_waits_who_reads_and_how_fast() -> None:
    lanes = [
        LaneOut(lane="interactive", jobs=0, images=0, oldest_seconds=None),
        LaneOut(lane="bulk", jobs=2, images=12_345, oldest_seconds=75.0),
    ]
    worker = WorkerOut(
        id="host-1-abc",
        models=["balanced"],
        device="cuda:0",
        reading="balanced",
        images=54_321,
        batch=256,
        images_per_second={"balanced": 4321.0},
        ready_at=NOW - timedelta(hours=2, minutes=5),
        first_claim_at=NOW,
    )
    backlog = BacklogOut(model="balanced", lanes=lanes, images_per_second=4000.4)
    queue = QueueOut(models=[backlog], workers=[worker], desired_workers=3)
    console = Console(width=120, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    console.print(render(Frame(at=NOW, queue=queue, jobs=[])))
    text = console.export_text()
    console.file.close()
    for words in ("12,345 images queued", "4,000 images/s", "1 worker, 3 desired", "1m15s", "2h05m"):
        assert words in text
    rows = [line.split() for line in text.splitlines()]
    assert ["balanced", "interactive", "0", "0", "4,000"] in rows
    assert ["bulk", "2", "12,345", "1m15s"] in rows
    (row,) = (row for row in rows if row[:1] == ["host-1-abc"])
    assert row[1:] == ["cuda:0", "balanced", "256", "54,321", "balanced:4,321", "2h05m"]


def test_a_time_is_told_in_its_two_largest_units() -> None:
    spans = {
        -1: "0.0s",
        59.9: "59.9s",
        59.96: "1m00s",
        60: "1m00s",
        119.6: "2m00s",
        3599: "59m59s",
        90_000: "25h00m",
    }
    assert {seconds: span(seconds) for seconds in spans} == spans


def test_in_a_narrow_terminal_names_are_shortened_and_figures_are_whole() -> None:
    counts = {"total": 202_100, "queued": 100_000, "running": 0, "succeeded": 102_098, "failed": 2}
    facts = {"eta_seconds": 75.0, "created_at": NOW - timedelta(hours=2, minutes=5)}
    job = JobOut.model_validate(
        STORED | {"state": "running", "counts": counts | {"canceled": 0}} | facts
    )
    queue = QueueOut(models=[], workers=[], desired_workers=0)
    console = Console(width=64, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    console.print(render(Frame(at=NOW, queue=queue, jobs=[job])))
    row = console.export_text().splitlines()[-1].split()
    console.file.close()
    assert row[3:] == ["202,100", "102,098", "2", "1m15s", "2h05m"]
    assert row[0].startswith("job_")
    assert row[0].endswith("…")


def test_a_gateway_that_is_not_there_is_said(services: Services) -> None:
    done = subprocess.run(
        [*TOP, "--once", "--url", "http://127.0.0.1:1"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "no answer from http://127.0.0.1:1" in done.stderr
