"""More images than are read, for a few seconds: `make pressure` in small."""

from pressure_proof import Size, faults, prove, table

MOST_MS, TIMES = 5000.0, 2
"""50 ms and ten times as much are for a machine that does nothing else: `make pressure` holds them."""


def test_under_pressure_caps_hold_refusals_say_when_and_what_was_accepted_is_read() -> None:
    size = Size(seconds=2, jobs=0, room=1000)
    outcome = prove(size)
    assert faults(outcome, MOST_MS, TIMES) == [], table(outcome, size)
