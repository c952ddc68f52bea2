"""Runs cases and measures: what came, how long it took, what our processes spent on it."""

import time
from dataclasses import dataclass

import psutil

from .cases import Case
from .stage import Stage

WAITED_S = 20.0
"""What it may take, on however busy a machine."""


@dataclass(frozen=True)
class Run:
    """What became of a case."""

    case: Case
    outcome: str
    waited_s: float
    spent_s: float


def run(case: Case, stage: Stage) -> Run:
    """Put `case` to `stage`."""
    before, start = spent(stage), time.perf_counter()
    outcome = case.ask(stage)
    return Run(case, outcome, time.perf_counter() - start, spent(stage) - before)


def spent(stage: Stage) -> float:
    """Seconds of CPU that the processes of `stage` have taken so far."""
    return sum(_of(process) for process in stage.processes())


def _of(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return times.user + times.system
