"""More images than are read, for a few seconds: `make pressure` in small."""

import pytest

from pressure_proof import Outcome, Size, faults, prove, table, watched
from services import Services
from waiting import until

MOST_MS, TIMES = 5000.0, 2
"""50 ms and ten times as much are for a machine that does nothing else: `make pressure` holds them."""


def test_under_pressure_caps_hold_refusals_say_when_and_what_was_accepted_is_read() -> None:
    size = Size(seconds=2, jobs=0, room=1000)
    outcome = prove(size)
    assert faults(outcome, MOST_MS, TIMES) == [], table(outcome, size)


def test_one_that_watches_may_fail_which_is_part_of_what_is_broken(services: Services) -> None:
    outcome = Outcome(cap=0)
    with watched(services, [services.url], ["no-such-job"], outcome):
        until(lambda: outcome.waits)
    (broken,) = outcome.broken
    assert "no-such-job" in broken


def test_an_error_of_what_is_watched_is_not_covered_up(services: Services) -> None:
    outcome = Outcome(cap=0)

    def press() -> None:
        until(lambda: outcome.waits)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), watched(services, [services.url], ["no-such-job"], outcome):
        press()
