"""Worlds in which a section can be tried without training: what a trial comes to is a formula and noise.

What stands in a trial is checked as training would; the training itself is tested by its own tests.
"""

import json
import random
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from math import exp, log

import torch

from model.networks import count_parameters
from training.study.chapter import Chapter, Section
from training.study.networks import build
from training.study.trial import Outcome, Point, Trial

Odds = Callable[[Trial], float]
"""The log-odds of the accuracy that a trial ends with, but for the noise of its seed."""

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
    """A curve towards what was asked for, by seed a little above or below."""
    luck = random.Random(trial.key).gauss(0, noise)
    points = [
        Point(
            trial.images * at // trial.points, 1.0, 0.5, 1.0, share(odds + luck - 1 + at / trial.points)
        )
        for at in range(1, trial.points + 1)
    ]
    parameters, macs = size(trial)
    return Outcome(trial, points, parameters, macs, 1e-9 * macs * trial.images)


def share(odds: float) -> float:
    return 1 / (1 + exp(-odds))


def size(trial: Trial) -> tuple[int, int]:
    """Parameters and multiply-accumulates, roughly; reads the layout as training must."""
    network = trial.network
    if network["kind"] == "perceptron":
        sides = [784, *network["hidden"], network["classes"]]
        weights = sum(one * other for one, other in pairwise(sides))
        return weights, weights
    if network["kind"] != "convolutions":
        weights = count(json.dumps(network))
        return weights, weights
    parameters = macs = 0
    before, side = 1, 28
    for width in network["widths"]:
        weights = before * width * network["kernel"] ** 2
        parameters, macs = parameters + weights, macs + weights * side * side
        before, side = width, side // 2
    head = before * side * side * network["classes"]
    return parameters + head, macs + head


@cache
def count(layout: str) -> int:
    """Parameters of a network."""
    with torch.device("meta"):
        return count_parameters(build(json.loads(layout)))


def likes(value: float, best: float) -> float:
    """0 at the best, less with every doubling away from it."""
    return -abs(log(value / best))
