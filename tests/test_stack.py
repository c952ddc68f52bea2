"""`inkqueue up` starts only what can run, alone on its address, and stops when told to, always."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from errno import ECONNREFUSED
from pathlib import Path

import httpx
import psutil
import pytest
from typer.testing import CliRunner

from api.cli import app
from api.cli.checks import reserved
from api.cli.console import Refusal
from api.cli.readiness import address
from api.stack.children import Child
from api.stack.stack import Stack
from model.card import WEIGHTS
from worker.embedded import free_port

from waiting import until

UP = [sys.executable, "-m", "api.cli", "up", "--workers", "1"]
ANY = ("--port", "0")


def test_it_stops_while_a_journal_is_read(tmp_path: Path) -> None:
    process = reading(tmp_path)
    assert stopped(process, signal.SIGINT) == (0, ["stopped"])


def test_a_closed_terminal_stops_it_in_order(tmp_path: Path) -> None:
    process = started(tmp_path, *ANY, "--api-workers", "2")
    assert process.stderr is not None
    next(line for line in process.stderr if line.startswith("READY"))
    family = psutil.Process(process.pid).children(recursive=True)
    assert stopped(process, signal.SIGHUP) == (0, ["stopped"])
    assert psutil.wait_procs(family, timeout=30)[1] == []
    assert not list(tmp_path.glob("metrics-*"))


def test_under_nohup_a_closed_terminal_does_not_stop_it(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # and so it is for children
    try:
        process = reading(tmp_path)
    finally:
        signal.signal(signal.SIGHUP, before)
    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)
    assert stopped(process, signal.SIGTERM) == (0, ["stopped"])


def test_a_gateway_that_hangs_is_replaced(
    tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.stack.watchdog.SILENCE_S", 2.0)
    monkeypatch.setenv("REDIS_URL", redis_url)
    stack = Stack("127.0.0.1", free_port(), 1, tmp_path)
    try:
        stack.start()
        until(lambda: looked_after(stack) and healthy(stack), 60)
        os.kill(stack.pids()["gateway"], signal.SIGSTOP)
        assert not healthy(stack)
        until(lambda: looked_after(stack) and healthy(stack), 60)
    finally:
        stack.stop()


def test_what_it_tells_its_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Child, "start", lambda child: None)
    monkeypatch.setattr("api.stack.stack.usable_cores", lambda: 9)
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("INKQUEUE_LOG_LEVEL", "error")
    monkeypatch.delenv("INKQUEUE_THREADS", raising=False)
    stack = Stack("127.0.0.1", 1, 2, tmp_path, log_level="debug", api_workers=2)
    (stack.figures / "of a former one").mkdir(parents=True)
    stack.start()
    assert not list(stack.figures.iterdir())
    names = ["gateway 1", "gateway 2", "worker 1", "worker 2", "sender"]
    assert [each.name for each in stack.children] == names
    for each in stack.children:
        assert "-P" in each.command  # a folder `api` where it runs is not ours
        assert each.environment["INKQUEUE_THREADS"] == "4"
        assert "INKQUEUE_LOG_LEVEL" not in each.environment  # it has one
    monkeypatch.setenv("INKQUEUE_THREADS", "3")
    monkeypatch.delenv("INKQUEUE_LOG_LEVEL")
    stack = Stack("127.0.0.1", 1, 1, tmp_path, log_level="debug")
    stack.start()
    told = stack.children[0].environment
    assert (told["INKQUEUE_LOG_LEVEL"], "INKQUEUE_THREADS" in told) == ("debug", False)


def looked_after(stack: Stack) -> bool:
    for child in stack.children:
        child.look_after()
    return True


def healthy(stack: Stack) -> bool:
    try:
        return httpx.get(f"{address(stack)}/healthz", timeout=0.5).is_success
    except httpx.TransportError:
        return False


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        (
            "INKQUEUE_QOUTA_BYTES",
            "1",
            "INKQUEUE_QOUTA_BYTES: no such setting; did you mean INKQUEUE_QUOTA_BYTES?",
        ),
        ("INKQUEUE_TRUSTED_PROXIES", "nonsense", "INKQUEUE_TRUSTED_PROXIES: 'nonsense' does not"),
        ("INKQUEUE_THREADS", "abc", "INKQUEUE_THREADS: Input should be a valid integer"),
        ("INKQUEUE_MODELS", "roman", "INKQUEUE_MODELS: no network 'roman'"),
        ("INKQUEUE_WEIGHTS", "/nonexistent", "INKQUEUE_WEIGHTS: /nonexistent: no model card"),
        ("INKQUEUE_WEBHOOK_TIMEOUT_S", "0", "INKQUEUE_WEBHOOK_TIMEOUT_S: Input should be greater"),
        ("INKQUEUE_WINDOW", "0", "INKQUEUE_WINDOW: Input should be greater"),
        ("INKQUEUE_LEASE_MS", "", "INKQUEUE_LEASE_MS: Input should be a valid integer"),
        ("INKQUEUE_QUOTAS", "anonymous:requests=nan", "INKQUEUE_QUOTAS: 'anonymous:requests=nan' "),
        ("INKQUEUE_LOG", "xml", "INKQUEUE_LOG: Input should be 'text' or 'json'"),
        ("INKQUEUE_QUOTAS", "anonymous", "INKQUEUE_QUOTAS: 'anonymous' is not OWNER:"),
        ("INKQUEUE_API_KEYS_FILE", "/nonexistent", "INKQUEUE_API_KEYS_FILE: /nonexistent: No such file"),
        ("REDIS_URL", "nonsense", "REDIS_URL: cannot be read"),
        (
            "REDIS_URL",
            "redis://127.0.0.1:1/0",
            f"REDIS_URL: Error {ECONNREFUSED} connecting to 127.0.0.1:1.",
        ),
        ("INKQUEUE_DEVICE", "gpu", "INKQUEUE_DEVICE: String should match pattern"),
        ("INKQUEUE_DEVICE", "cuda:99", "INKQUEUE_DEVICE: cuda:99 cannot be used: "),
        ("INKQUEUE_BROKER_URL", "redis://127.0.0.1/1", "INKQUEUE_BROKER_URL: it is for the Redis in"),
        ("PROMETHEUS_MULTIPROC_DIR", "/nonexistent", "PROMETHEUS_MULTIPROC_DIR: /nonexistent is no"),
    ],
)
def test_what_its_processes_would_refuse_is_said_in_a_line(
    tmp_path: Path, name: str, value: str, reason: str
) -> None:
    code, (line,) = refused(tmp_path, *ANY, **{name: value})
    assert code == 1
    assert line.startswith(f"error: {reason}")
    assert not list(tmp_path.iterdir())


def test_an_engine_that_does_not_run_on_the_device_is_refused(tmp_path: Path) -> None:
    code, (line,) = refused(tmp_path, *ANY, INKQUEUE_ENGINE="openvino", INKQUEUE_DEVICE="cuda")
    assert code == 1
    assert line.startswith("error: INKQUEUE_ENGINE: openvino runs on a CPU")


@pytest.mark.parametrize("folder", [".", "screen"])
def test_a_network_without_its_weights_is_refused(tmp_path: Path, folder: str) -> None:
    weights = shutil.copytree(WEIGHTS, tmp_path / "weights")
    lost = weights / folder / "balanced.safetensors"
    lost.unlink()
    code, (line,) = refused(tmp_path / "data", *ANY, INKQUEUE_WEIGHTS=str(weights))
    assert code == 1
    assert line.startswith(f"error: {lost}: ")


def test_among_lines_for_machines_a_refusal_is_one(tmp_path: Path) -> None:
    code, (line,) = ended(started(tmp_path, *ANY, INKQUEUE_LOG="json", INKQUEUE_BATCH="0"))
    said = json.loads(line)
    assert (code, said["level"], said["process"]) == (1, "ERROR", "stack")
    assert said["message"].startswith("INKQUEUE_BATCH: Input should be")


def test_it_listens_where_the_environment_says(tmp_path: Path) -> None:
    settings = {"INKQUEUE_HOST": "192.0.2.1", "INKQUEUE_ALLOW_ANONYMOUS": "1"}
    code, (line,) = ended(started(tmp_path, **settings))
    assert code == 1
    assert line.startswith("error: cannot listen on 192.0.2.1:8000")


def test_where_it_is_reached_is_said_as_an_address_of_this_machine(tmp_path: Path) -> None:
    for host, url in (
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("192.0.2.1", "http://192.0.2.1:80"),
    ):
        assert address(Stack(host, 80, 1, tmp_path)) == url


def test_an_address_belongs_to_one_stack_even_before_it_listens() -> None:
    host, port = "127.0.0.1", free_port()
    with reserved(host, port):
        with pytest.raises(Refusal, match=f"cannot listen on {host}:{port}"), reserved(host, port):
            pass
        with reserved(host, free_port()):
            pass
    with reserved(host, port):
        pass


def started(data: Path, *options: str, **settings: str) -> "subprocess.Popen[str]":
    """`inkqueue up` on a data folder."""
    environment = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    command = [*UP, "--data", str(data), *options]
    return subprocess.Popen(command, env=environment | settings, stderr=subprocess.PIPE, text=True)


def reading(data: Path) -> "subprocess.Popen[str]":
    """The same, while its Redis reads a journal, which takes it a minute."""
    words = ("DEBUG", "SLEEP", "60")
    journal = "*3\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
    (data / "appendonly.aof").write_text(journal)
    process = started(data, *ANY)
    while not (data / "redis.log").exists():
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(0.5)
    return process


def stopped(process: "subprocess.Popen[str]", number: signal.Signals) -> tuple[int, list[str]]:
    """The exit code of one that is told to stop, and the lines that it said until it did, but for that
    of a journal, which it says once that takes it a few seconds."""
    process.send_signal(number)
    try:
        said = process.communicate(timeout=60)[1]
    finally:
        process.kill()
    return process.returncode, [line for line in said.splitlines() if "its journal" not in line]


def refused(data: Path, *options: str, **settings: str) -> tuple[int, list[str]]:
    """The exit code of one that does not start with these settings, here, and what it said."""
    command = [*UP[3:], "--data", str(data), *options]
    done = CliRunner().invoke(app, command, env={"REDIS_URL": None, **settings})
    return done.exit_code, done.stderr.splitlines()


def ended(process: "subprocess.Popen[str]") -> tuple[int, list[str]]:
    """The exit code of one that does not start, and what it said."""
    try:
        said = process.communicate(timeout=60)[1]
    finally:
        process.kill()
    return process.returncode, said.splitlines()
