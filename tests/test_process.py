"""A process that hears doorbells ends as it should: what it is told by is not its fault."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import psutil
import pytest
import redis

from services import READY_S, Services, running_redis, running_services
from waiting import until

Process = subprocess.Popen[bytes]


MODULES = ("worker", "worker.sender")


def spawned(services: Services, ledger: redis.Redis, log: IO[bytes] | None = None) -> list[Process]:
    """A process of each of MODULES, alive."""
    processes = [services.spawn(module, log) for module in MODULES]
    until(lambda: ledger.zcard("ink:workers") and ledger.zcard("ink:senders"), READY_S)
    return processes


def told(
    processes: Sequence[Process], number: signal.Signals = signal.SIGTERM, seconds: float = READY_S
) -> list[int]:
    """The exit codes of those that are told to stop, and have so many seconds for it."""
    for process in processes:
        process.send_signal(number)
    return [process.wait(seconds) for process in processes]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_those_that_are_told_to_stop_have_not_failed(tmp_path: Path, number: signal.Signals) -> None:
    with running_services(tmp_path) as services, redis.Redis.from_url(services.redis_url) as ledger:
        assert told(spawned(services, ledger), number) == [0, 0]
        assert not ledger.exists("ink:workers", "ink:senders")


def test_those_that_are_told_to_stop_without_redis_log_no_traceback(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running_services(tmp_path) as services, redis.Redis.from_url(services.redis_url) as ledger:
        with log.open("wb") as file:
            processes = spawned(services, ledger, file)
        ledger.shutdown(nosave=True)
        until(lambda: log.read_text().count("broker cannot be reached") >= len(MODULES))
        assert told(processes) == [0, 0]
        assert "Traceback" not in log.read_text()


def test_those_that_are_told_to_stop_while_redis_is_silent_are_not_waited_for_in_vain(
    tmp_path: Path,
) -> None:
    with running_services(tmp_path) as services, redis.Redis.from_url(services.redis_url) as ledger:
        processes = spawned(services, ledger)
        server = psutil.Process(ledger.info()["process_id"])  # type: ignore[index]
        server.suspend()
        try:
            assert told(processes, seconds=15) == [0, 0]
        finally:
            server.resume()


def test_a_redis_that_answers_is_waited_for_even_if_it_refuses(tmp_path: Path) -> None:
    code = """if True:
        import sys, time
        from worker import leaving
        leaving.SILENT_S, leaving.LOOK_S = 0.3, 0.05
        leaving.leave_without(sys.argv[1])
        time.sleep(1)
        sys.exit(7)  # it was not ended before"""

    def code_of(url: str) -> int:
        return subprocess.run([sys.executable, "-c", code, url], env=os.environ, timeout=30).returncode

    with running_redis(tmp_path) as url, ThreadPoolExecutor() as pool:
        urls = [url, url.replace("//", "//:no-password-is-known@"), "redis://127.0.0.1:1/0"]
        assert list(pool.map(code_of, urls)) == [7, 7, os.EX_OK]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_that_is_told_to_stop_before_it_is_ready_has_not_failed(number: signal.Signals) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # a Redis that never answers
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        environment = os.environ | {"REDIS_URL": url}
        command = [sys.executable, "-m", "worker"]
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        with process, silent.accept()[0]:
            process.send_signal(number)
            assert process.wait(READY_S) == 0
            assert process.stderr
            assert "Traceback" not in process.stderr.read()


@pytest.mark.parametrize("log", ["text", "json"])
def test_nobody_needs_its_standard_streams(log: str) -> None:
    code = "from worker.process import *; configure(QueueSettings(), 'worker'); log.info('x')"
    closed = ["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "-c", code]
    assert subprocess.run(closed, env=os.environ | {"INKQUEUE_LOG": log}).returncode == 0


@pytest.mark.parametrize(
    ("trouble", "settings", "reason"),
    [
        ("pass", {"INKQUEUE_DEVICE": "cuda:99"}, "device 'cuda:99' cannot be used: "),
        (
            "sys.modules['model.engines.openvino_predictor'] = None",
            {"INKQUEUE_ENGINE": "openvino"},
            "import of",
        ),
        (
            "worker.engine.engine.Engine.start = lambda engine: open('/missing')",
            {},
            "[Errno 2] No such file",
        ),
    ],
)
def test_a_worker_that_cannot_start_ends_and_says_why_in_a_line(
    redis_url: str, trouble: str, settings: dict[str, str], reason: str
) -> None:
    code, (line,) = start_in_vain(redis_url, trouble, settings)
    assert (code, line.startswith(f"worker: {reason}")) == (1, True), line


def test_a_worker_that_a_fault_of_ours_keeps_from_starting_says_where_it_is(redis_url: str) -> None:
    code, lines = start_in_vain(
        redis_url, "worker.engine.engine.Engine.start = lambda engine: {}['x']", {}
    )
    assert (code, lines[-1]) == (1, "worker: 'x'")
    assert "Traceback" in lines[1]
    assert lines[-2].strip() == "KeyError: 'x'"


def start_in_vain(redis_url: str, trouble: str, settings: dict[str, str]) -> tuple[int, list[str]]:
    """The exit code of a worker in `trouble`, and the lines that it wrote to stderr."""
    script = f"import sys, worker.engine.engine, worker.__main__; {trouble}; worker.__main__.main()"
    environment = {
        "REDIS_URL": redis_url,
        "INKQUEUE_MODELS": "digits-nano",
        "INKQUEUE_LOG_LEVEL": "error",
    }
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | environment | settings,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stderr.splitlines()
