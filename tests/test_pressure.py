"""Ten times more images than are read, for a few seconds: `make pressure` in small."""

from pressure_proof import Size, faults, prove, table

MOST_MS = 500.0
"""The bound of 50 ms is for a machine that does nothing else: `make pressure` holds it."""


def test_under_pressure_caps_hold_refusals_say_when_and_what_was_accepted_is_read() -> None:
    size = Size(seconds=4, jobs=0, room=1000)
    outcome = prove(size)
    assert faults(outcome, MOST_MS) == [], table(outcome, size)
