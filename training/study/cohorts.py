"""Which trials are trained together, in which precision, and what a cohort will cost."""

import math
from collections.abc import Sequence

from .networks import macs
from .trial import Trial

SMALL_BATCH = 4
SECONDS_A_MAC, SECONDS_A_MIXED_MAC, SECONDS_A_STEP = 2e-10, 8e-11, 2e-3
"""Approximate training times on one core of 2024, for the order of cohorts and the time left."""


def together(trial: Trial) -> int:
    """How many such trials to train together, for the least processor time.

    With small networks or batches, calls cost more than arithmetic. Larger convolutions are slower
    together: one by one they run on torch's blocked layouts, which grouped ones do not (see `speed`).
    """
    if trial.network["kind"] == "perceptron":
        return 8
    return 16 if trial.network["kind"] == "convolutions" and trial.batch <= SMALL_BATCH else 1


def mixed(trial: Trial) -> bool:
    """Whether `trial` runs under bfloat16 autocast, as in `training.train`.

    ResNet-18 is 1.6 times as fast that way. The study's own small networks stay in float32: GroupNorm
    is slower in bfloat16, and norms are compared in the same precision.
    """
    return trial.network["kind"] not in ("perceptron", "convolutions")


def cohorts(trials: Sequence[Trial]) -> list[list[Trial]]:
    """Group `trials` by shape, into cohorts of the size that pays; the same for the same trials."""
    shapes: dict[str, list[Trial]] = {}
    for trial in {each.key: each for each in trials}.values():
        shapes.setdefault(trial.shape, []).append(trial)
    cut = [(those, together(those[0])) for those in shapes.values()]
    return [those[at : at + size] for those, size in cut for at in range(0, len(those), size)]


def seconds(trials: Sequence[Trial]) -> float:
    """The approximate processor time of a cohort."""
    first = trials[0]
    steps = SECONDS_A_STEP / first.batch / (math.sqrt(len(trials)))
    sums = macs(first.network) * (SECONDS_A_MIXED_MAC if mixed(first) else SECONDS_A_MAC)
    return sum(trial.images for trial in trials) * (sums + steps)
