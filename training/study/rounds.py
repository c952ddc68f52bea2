"""Sections and their rounds: one asks for settings, each as trials, and is sent their outcomes."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean
from typing import NamedTuple, TypeAlias, TypeVar

from ..tables import short
from .chapter import Chapter
from .trials.trial import Outcome, Trial

Section = Generator[list[Trial], list[Outcome], Chapter]
"""Asks for trials, is sent their outcomes in the same order, asks again, and returns its chapter."""

Setting = TypeVar("Setting")

Outcomes: TypeAlias = dict[Setting, list[Outcome]]
"""The outcomes of each setting, one for each seed."""

Request: TypeAlias = Generator[list[Trial], list[Outcome], Outcomes[Setting]]
"""A part of a section: it asks, and returns what it found."""


@dataclass(frozen=True)
class Scale:
    """How much is spent: `images`, which each section multiplies by factors of its own, and `seeds`."""

    images: int
    seeds: int


FULL = Scale(images=140_000, seeds=3)
QUICK = Scale(images=128, seeds=2)
"""Enough to see every step of the study work, on drawn characters; not to learn anything from it."""

CONFIRMING_SEEDS = 5


class Stage(NamedTuple):
    """Trainings that can be compared: on equally many images, with equally many seeds.

    `points` are those of a curve.
    """

    name: str
    images: int
    seeds: int
    points: int


def comparing(images: float, scale: Scale) -> Stage:
    """The stage that compares settings; `images` is a multiple of the scale's. Only the end counts."""
    return Stage("compared", round(images * scale.images), scale.seeds, points=2)


def confirming(images: float, scale: Scale) -> Stage:
    """The stage that trains the best again, longer and, unless the study is quick, with more seeds."""
    seeds = CONFIRMING_SEEDS if scale.seeds >= FULL.seeds else scale.seeds
    return Stage("confirmed", round(images * scale.images), seeds, points=4)


def ask(trials: Mapping[Setting, Sequence[Trial]]) -> Request[Setting]:
    """Ask for the outcomes of each setting, in the order of its trials.

    A section asks round by round, and each round may depend on what the one before found:

        widths = yield from ask({width: trials(width, seeds=1) for width in (8, 16, 32)})
        best = ranked(widths)[0]
        again = yield from ask({best: trials(best, seeds=5)})
        told(accuracies(again[best]))  # '91.20 % ± 0.31'
    """
    outcomes = iter((yield [trial for those in trials.values() for trial in those]))
    return {setting: [next(outcomes) for _ in those] for setting, those in trials.items()}


def accuracies(outcomes: Sequence[Outcome]) -> list[float]:
    """The validation accuracies, one for each seed."""
    return [each.accuracy for each in outcomes]


def ranked(found: Outcomes[Setting]) -> list[Setting]:
    """The settings by their mean accuracy on validation, the best first."""
    return sorted(found, key=lambda each: -mean(accuracies(found[each])))


COST = ("parameters", "MACs", "s a million images")


def cost(outcomes: Sequence[Outcome]) -> tuple[str, str, str]:
    """The cells of a setting under COST."""
    first = outcomes[0]
    return f"{first.parameters:,}", short(first.macs), f"{training_seconds(outcomes):,.0f}"


def training_seconds(outcomes: Sequence[Outcome]) -> float:
    """Processor seconds to train on a million images, the mean over seeds."""
    return 1e6 * mean(each.seconds / each.points[-1].images for each in outcomes)
