"""Work is found without a doorbell, one at a time, and never while doorbells are heard."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import redis

from worker.poller import Poller

from waiting import until

PATIENCE_S = 0.05


@contextmanager
def looking(*works: Callable[[], int]) -> Iterator[Poller]:
    poller = Poller(works, PATIENCE_S)
    poller.start()
    try:
        yield poller
    finally:
        poller.stop()


def test_what_is_due_is_found_and_done_to_its_end() -> None:
    left = [3, 2, 1]
    with looking(lambda: 0, lambda: left.pop() if left else 0):
        until(lambda: not left)


@pytest.mark.parametrize("error", [redis.ConnectionError("gone"), ValueError("odd")])
def test_it_outlives_what_goes_wrong(error: Exception) -> None:
    calls: list[int] = []

    def work() -> int:
        calls.append(1)
        if len(calls) == 1:
            raise error
        return 0

    with looking(work):
        until(lambda: len(calls) > 1)


def test_a_redis_that_is_away_takes_one_line_and_its_return_another(
    caplog: pytest.LogCaptureFixture,
) -> None:
    errors = [redis.ConnectionError("gone")] * 4

    def work() -> int:
        if errors:
            raise errors.pop()
        return 0

    with caplog.at_level("INFO"), looking(work):
        until(lambda: len(caplog.messages) > 1)
    assert caplog.messages == [
        "cannot look for what is due, trying again: gone",
        "can look for what is due again",
    ]


def test_it_keeps_still_while_doorbells_ring(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    now = 0.0  # by a clock that goes on between two doorbells only, however slow the machine is
    monkeypatch.setattr("worker.poller.time", SimpleNamespace(monotonic=lambda: now))
    with looking(lambda: calls.append(1) or 0) as poller:
        for _ in range(20):
            now += 0.75 * PATIENCE_S
            time.sleep(PATIENCE_S / 4)
            poller.perform(lambda: 1)
        assert not calls
        now += PATIENCE_S
        until(lambda: calls)


def test_one_works_at_a_time() -> None:
    at_work, most = [0], [0]

    def work() -> int:
        at_work[0] += 1
        most[0] = max(most[0], at_work[0])
        time.sleep(0.02)
        at_work[0] -= 1
        return 1

    with looking(work) as poller:
        ringing = [threading.Thread(target=poller.perform, args=(work,)) for _ in range(5)]
        for each in ringing:
            time.sleep(0.03)
            each.start()
        for each in ringing:
            each.join()
    assert most == [1]
