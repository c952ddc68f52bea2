"""A child of `inkqueue up` is restarted however often it dies or hangs, and when a start fails."""

import logging
import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from threading import Event
from typing import TextIO

import pytest

from api.stack.children import CALM_S, PAUSES, Child
from api.stack.watchdog import Watchdog

from waiting import until


def test_one_that_dies_at_once_is_waited_for_ever_longer_but_never_given_up() -> None:
    child = Child("crasher", [sys.executable, "-c", "raise SystemExit(1)"], {}, failures=10_000)
    child.start()
    assert child.process
    child.process.wait(10)
    assert not child.look_after()
    assert PAUSES[-2] < child.retry_at - time.monotonic() <= PAUSES[-1]
    child.retry_at = time.monotonic()
    assert child.look_after()
    child.process.wait(10)
    assert not child.look_after()
    assert child.retry_at > time.monotonic()


def test_one_that_ran_for_long_is_started_again_at_once() -> None:
    child = Child("runner", [sys.executable, "-c", ""], {}, failures=5)
    child.start()
    assert child.process
    child.process.wait(10)
    child.started -= CALM_S
    assert child.look_after()
    assert child.failures == 0
    child.stop()


def test_one_that_does_not_end_when_told_to_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.stack.children.STOP_S", 0.1)
    deaf = tmp_path / "deaf"
    ignores = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    child = Child(
        "deaf", [sys.executable, "-c", f"{ignores}; open({str(deaf)!r}, 'w'); time.sleep(60)"], {}
    )
    child.start()
    assert child.process
    until(deaf.exists)
    child.stop()
    assert child.process.returncode == -signal.SIGKILL


def test_one_that_cannot_be_started_is_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    program = tmp_path / "program"
    program.symlink_to("/bin/true")
    child = Child("late", [str(program)], {})
    child.start()
    assert child.process
    child.process.wait(10)
    program.unlink()
    child.look_after()
    child.retry_at = time.monotonic()
    with caplog.at_level(logging.WARNING):
        assert not child.look_after()
    assert "late cannot be started" in caplog.text
    assert child.retry_at > time.monotonic()
    program.symlink_to("/bin/true")
    child.retry_at = time.monotonic()
    assert child.look_after()
    child.stop()


def test_what_it_writes_is_for_nobody_else(tmp_path: Path) -> None:
    file = tmp_path / "journal"
    child = Child("redis", [sys.executable, "-c", f"open({str(file)!r}, 'w')"], {})
    before = os.umask(0o022)  # as usual; ours may be strict already
    try:
        child.start()
    finally:
        os.umask(before)
    assert child.process
    assert child.process.wait(10) == 0
    assert file.stat().st_mode & 0o077 == 0


def test_one_that_falls_silent_is_killed_and_started_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("api.stack.watchdog.SILENCE_S", 0.5)
    watchdog = Watchdog()
    writes = f"import os, time\nwhile True: os.write({watchdog.writer}, b'.'), time.sleep(0.05)"
    child = Child("silent", [sys.executable, "-c", writes], {}, (watchdog.writer,), watchdog)
    child.start()
    assert child.process
    try:
        for _ in range(20):
            watchdog.silence, child.warned_at = 0.5, time.monotonic()
            assert select.select([watchdog._reader], [], [], 20)[0]  # it speaks
            assert not child.look_after()
            assert watchdog.silence == child.warned_at == 0  # the next silence is one of its own
        assert child.process.poll() is None
        child.process.send_signal(signal.SIGSTOP)
        until(child.look_after)
        assert "silent ended with -9" in caplog.text
        assert child.process.poll() is None
    finally:
        child.process.kill()
        child.process.wait()


def test_one_that_waits_until_its_log_can_be_written_is_not_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("api.stack.watchdog.SILENCE_S", 0.5)
    monkeypatch.setattr("api.stack.children.LAST_S", 0.9)
    watchdog, (reader, writer) = Watchdog(), os.pipe()
    os.set_blocking(reader, False)
    beats = f"os.write({watchdog.writer}, b'.'), os.write({writer}, bytes(4096)), time.sleep(0.02)"
    command = [sys.executable, "-c", f"import os, time\nwhile True: {beats}"]
    child = Child("writer", command, {}, (watchdog.writer, writer), watchdog)
    done = Event()

    def stand_still() -> None:
        time.sleep(1.5)
        while not done.wait(0.001):
            with suppress(BlockingIOError):
                os.read(reader, 1 << 16)

    with os.fdopen(writer, "w") as stream, _logging_to(stream), ThreadPoolExecutor() as threads:
        child.start()
        first = child.process
        assert first
        threads.submit(stand_still)
        began = time.monotonic()
        while time.monotonic() - began < 2.5:
            child.look_after()
        survived = child.process is first and first.poll() is None
        child.process.kill()
        child.process.wait()
        done.set()
    os.close(reader)
    assert survived


@contextmanager
def _logging_to(stream: TextIO) -> Iterator[None]:
    handler = logging.StreamHandler(stream)
    logging.getLogger("inkqueue").addHandler(handler)
    yield
    logging.getLogger("inkqueue").removeHandler(handler)


def test_only_silence_in_which_a_child_had_its_turn_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = count(step=1000)
    monkeypatch.setattr("api.stack.watchdog.time.monotonic", lambda: next(clock))
    watchdog = Watchdog()
    assert not os.get_blocking(watchdog.writer)  # else a gateway would hang when nobody looks
    for looks in (300, 60):  # it starts; it has spoken
        assert not any(watchdog.expired() for _ in range(looks))
        os.write(watchdog.writer, b".")
        assert not watchdog.expired()
    assert [watchdog.expired() for _ in range(61)] == [False] * 60 + [True]
    os.write(watchdog.writer, b".")  # by the former child
    watchdog.restart()
    assert not any(watchdog.expired() for _ in range(300))
    assert watchdog.expired()
    assert watchdog.silence == 301  # which is said
