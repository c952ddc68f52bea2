"""A child of `inkqueue up` is restarted however often it dies or hangs, and when a start fails."""

import logging
import os
import signal
import sys
import time
from itertools import count
from pathlib import Path

import pytest

from api.children import PAUSES, Child
from api.watchdog import Watchdog

from conftest import until


def test_one_that_dies_at_once_is_waited_for_ever_longer_but_never_given_up() -> None:
    child = Child("crasher", [sys.executable, "-c", "raise SystemExit(1)"], {}, failures=10_000)
    child.start()
    assert child.process
    child.process.wait(10)
    assert not child.look_after()
    assert 0 < child.retry_at - time.monotonic() <= PAUSES[-1]
    child.retry_at = time.monotonic()
    assert child.look_after()
    child.stop()


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


def test_one_that_falls_silent_is_killed_and_started_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("api.watchdog.SILENCE_S", 0.5)
    watchdog = Watchdog()
    writes = f"import os, time\nwhile True: os.write({watchdog.writer}, b'.'), time.sleep(0.05)"
    child = Child("silent", [sys.executable, "-c", writes], {}, (watchdog.writer,), watchdog)
    child.start()
    assert child.process
    try:
        end = time.monotonic() + 2
        while time.monotonic() < end:
            assert not child.look_after()
            assert child.process.poll() is None
        child.process.send_signal(signal.SIGSTOP)
        until(child.look_after)
        assert "silent ended with -9" in caplog.text
        assert child.process.poll() is None
    finally:
        child.process.kill()
        child.process.wait()


def test_only_silence_in_which_a_child_had_its_turn_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = count(step=1000)
    monkeypatch.setattr("api.watchdog.time.monotonic", lambda: next(clock))
    watchdog = Watchdog()
    for looks in (300, 60):  # it starts; it has spoken
        assert not any(watchdog.expired() for _ in range(looks))
        os.write(watchdog.writer, b".")
        assert not watchdog.expired()
    assert [watchdog.expired() for _ in range(61)] == [False] * 60 + [True]
    watchdog.restart()
    assert not any(watchdog.expired() for _ in range(300))
    assert watchdog.expired()
