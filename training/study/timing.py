"""Seconds that networks take one after another, at once as a stack, and by processes: see `speed`."""

import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import wait
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from ..sets.data import Set, Split
from .chapter import Scale
from .cohort import train
from .cohorts import together
from .outcomes import read_outcomes
from .pool import Pool
from .trial import Trial

NETWORKS = 8
FAST = 64
"""Batch size from which on every example is shown equally many images."""

SHARES = {"perceptron": 0.3, "convolutions": 0.03}
"""The share of the scale's images that each network is shown, so that it takes seconds."""

WAYS = ("one after another", "at once", "by processes")


@dataclass(frozen=True)
class Timing:
    """Seconds per network, of processor time and by the clock, on `images`.

    `pays`: whether the study trains such networks at once.
    """

    example: str
    way: str
    processor: float
    clock: float
    images: int
    pays: bool


def examples(classes: int, images: int) -> list[Trial]:
    """The trials to time, at a scale of `images`; small batches are slow, and so are shown fewer."""
    perceptron = {"hidden": [128, 128]}
    convolutions = {"widths": [16, 32], "kernel": 3}
    return [
        Trial(
            "speed",
            f"{kind}, batch {batch}",
            {"kind": kind, "classes": classes, **network},
            max(batch, int(images * SHARES[kind]) * min(batch, FAST) // FAST),
            batch,
            learning_rate=1e-3,
            points=1,
        )
        for kind, network, batches in (
            ("perceptron", perceptron, (32, 128)),
            ("convolutions", convolutions, (2, 32, 128)),
        )
        for batch in batches
    ]


def measure(split: Split, scale: Scale, processes: int) -> list[Timing]:
    """Time every example each way; validation is on few images, since it is not what is measured."""
    few = replace(split, train=_some(split.train, 4096), validation=_some(split.validation, 64))
    wanted = examples(int(split.train.labels.max()) + 1, scale.images)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with tempfile.TemporaryDirectory() as place:
            lab = Path(place) / "runs" / "speed"
            with Pool(few, lab / "pool", processes) as pool:
                pool.wait_ready()
                return [timing for trial in wanted for timing in _measure(trial, few, lab, pool)]
    finally:
        torch.set_num_threads(threads)


def _some(data: Set, count: int) -> Set:
    """At most `count` of the images, from all over the set."""
    return data.take(np.linspace(0, len(data) - 1, min(count, len(data))).astype(np.intp))


def _measure(trial: Trial, split: Split, lab: Path, pool: Pool) -> list[Timing]:
    """Time an example each way, after a batch that is not counted, so that first-time costs are past."""
    members = [replace(trial, seed=seed) for seed in range(NETWORKS)]
    for warm in (members[:1], members):
        train(
            [replace(each, images=trial.batch, points=2) for each in warm], split, lab / "warm", _silent
        )
    pooled = [replace(each, images=trial.batch, points=2) for each in members]
    wait([pool.train([each]) for each in pooled])
    works: Sequence[Callable[[], object]] = (
        lambda: [train([each], split, lab / "alone", _silent) for each in members],
        lambda: train(members, split, lab / "stacked", _silent),
        lambda: [each.result() for each in [pool.train([each]) for each in members]],
    )
    clocks = [_clock(work) / NETWORKS for work in works]
    pool.news()
    seconds = [
        sum(each.seconds for each in read_outcomes(members, lab / way) or ()) / NETWORKS
        for way in ("alone", "stacked", "pool")
    ]
    pays = together(trial) > 1
    return [
        Timing(trial.name, way, processor, clock, trial.images, pays)
        for way, processor, clock in zip(WAYS, seconds, clocks, strict=True)
    ]


def _clock(work: Callable[[], object]) -> float:
    """Seconds that `work` takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _silent(images: int) -> None:
    """Tell nobody."""
