"""Worlds in which a section can be tried without training: a trial's outcome is a formula plus noise.

The networks are built as for training, but on no device, for their size; training has its own tests.
"""

import json
import random
from collections.abc import Callable
from functools import cache
from math import exp, log

import torch

from model.networks import count_parameters
from training.study.chapter import Chapter
from training.study.rounds import Section
from training.study.trials.cost import macs
from training.study.trials.networks import build
from training.study.trials.trial import Outcome, Point, Trial

Odds = Callable[[Trial], float]
"""The log-odds of the accuracy that a trial ends with, apart from the noise of its seed."""

NOISE = 0.01


def live(section: Section, odds: Odds, noise: float = NOISE) -> tuple[list[list[Trial]], Chapter]:
    """A section's requests, and its chapter, in a world."""
    requests = [next(section)]
    while True:
        try:
            requests.append(section.send([outcome(trial, odds(trial), noise) for trial in requests[-1]]))
        except StopIteration as end:
            chapter: Chapter = end.value
            return requests, chapter


def outcome(trial: Trial, odds: float, noise: float = NOISE) -> Outcome:
    """A learning curve towards these odds, a little above or below them by the trial's seed."""
    luck = random.Random(trial.key).gauss(0, noise)
    points = [
        Point(
            trial.images * at // trial.points, 1.0, 0.5, 1.0, share(odds + luck - 1 + at / trial.points)
        )
        for at in range(1, trial.points + 1)
    ]
    parameters, cost = size(json.dumps(trial.network)), macs(trial.network)
    return Outcome(trial, points, parameters, cost, 1e-9 * cost * trial.images)


def share(odds: float) -> float:
    return 1 / (1 + exp(-odds))


@cache
def size(layout: str) -> int:
    """Parameters of the network that is built for a layout, as JSON."""
    with torch.device("meta"):
        return count_parameters(build(json.loads(layout)))


def likes(value: float, best: float) -> float:
    """0 at the best value, and less with every doubling or halving away from it."""
    return -abs(log(value / best))
