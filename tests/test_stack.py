"""`inkqueue up` stops when it is told to, whatever it is doing."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

UP = [sys.executable, "-m", "api.cli", "up", "--port", "0", "--workers", "1"]


def test_it_stops_while_a_journal_is_read(tmp_path: Path) -> None:
    words = ("DEBUG", "SLEEP", "60")
    journal = "*3\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
    (tmp_path / "appendonly.aof").write_text(journal)
    process = started(tmp_path)
    while not psutil.Process(process.pid).children():
        time.sleep(0.05)
    time.sleep(0.5)
    said = stopped(process, signal.SIGINT)
    assert process.returncode == 0
    assert said == ["stopped"]


def started(data: Path, **settings: str) -> "subprocess.Popen[str]":
    """`inkqueue up` on a data folder."""
    environment = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    command = [*UP, "--data", str(data)]
    return subprocess.Popen(command, env=environment | settings, stderr=subprocess.PIPE, text=True)


def stopped(process: "subprocess.Popen[str]", number: signal.Signals) -> list[str]:
    """The lines that it said until it ended, having been told to by this signal."""
    process.send_signal(number)
    try:
        return process.communicate(timeout=30)[1].splitlines()
    finally:
        process.kill()
