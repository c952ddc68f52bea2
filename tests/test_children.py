"""A child of `inkqueue up` is restarted however often it dies, and when a start fails."""

import logging
import sys
import time
from pathlib import Path

import pytest

from api.children import PAUSES, Child


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
