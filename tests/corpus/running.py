"""Runs cases, and measures how long they took and what our processes spent on them."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from .cases import Case
from .stage import Stage

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Run:
    """The outcome of a case, how long it was waited for, and the CPU time that it took (s)."""

    case: Case
    outcome: str
    waited_s: float
    spent_s: float


def run(case: Case, stage: Stage) -> Run:
    """Run `case` on `stage`."""
    before, start = spent(stage), time.perf_counter()
    outcome = case.ask(stage)
    return Run(case, outcome, time.perf_counter() - start, spent(stage) - before)


def spent(stage: Stage) -> float:
    """Seconds of CPU that the processes of `stage` have taken so far."""
    return sum(map(_of, stage.processes()))


def _of(pid: int) -> float:
    """User and system time (proc(5), stat)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:  # it has just ended
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS
