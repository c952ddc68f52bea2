"""A process that hears doorbells ends as it should: what it is told by is not its fault."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis

from conftest import running_services


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("module", "alive"), [("worker", "ink:workers"), ("worker.sender", "ink:senders")]
)
def test_one_that_is_told_to_stop_has_not_failed(
    tmp_path: Path, module: str, alive: str, number: signal.Signals
) -> None:
    with running_services(tmp_path) as services, redis.Redis.from_url(services.redis_url) as ledger:
        process = services.spawn(module)
        end = time.monotonic() + 20
        while not ledger.zcard(alive):
            assert time.monotonic() < end
            time.sleep(0.05)
        process.send_signal(number)
        assert process.wait(10) == 0
        assert not ledger.zcard(alive)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_that_is_told_to_stop_before_it_is_ready_has_not_failed(number: signal.Signals) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # a Redis that never answers
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        environment = os.environ | {"REDIS_URL": url}
        command = [sys.executable, "-m", "worker"]
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        with process, silent.accept()[0]:
            process.send_signal(number)
            assert process.wait(10) == 0
            assert process.stderr
            assert "Traceback" not in process.stderr.read()
