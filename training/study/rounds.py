"""A round of a section: settings are asked for, each by its trials, and come back as outcomes."""

from collections.abc import Generator, Mapping, Sequence
from statistics import mean
from typing import TypeAlias, TypeVar

from ..tables import short
from .chapter import FULL, Scale
from .trial import Outcome, Trial

Setting = TypeVar("Setting")

Found: TypeAlias = dict[Setting, list[Outcome]]
"""The outcomes of each setting, one a seed."""

Request: TypeAlias = Generator[list[Trial], list[Outcome], Found[Setting]]
"""A part of a section: it asks, and returns what it found."""

CONFIRMING_SEEDS = 5


def ask(trials: Mapping[Setting, Sequence[Trial]]) -> Request[Setting]:
    """The outcomes of each setting, in the order of its trials; asks nothing where nothing is wanted."""
    wanted = [trial for those in trials.values() for trial in those]
    outcomes = iter((yield wanted) if wanted else [])
    return {setting: [next(outcomes) for _ in those] for setting, those in trials.items()}


def accuracies(outcomes: Sequence[Outcome]) -> list[float]:
    """On validation, one a seed."""
    return [each.accuracy for each in outcomes]


def confirming_seeds(scale: Scale) -> int:
    """By how many seeds the best are trained again; no more than usual in a quick study."""
    return CONFIRMING_SEEDS if scale.seeds >= FULL.seeds else scale.seeds


ACCURACY = "validation accuracy"
COST = ("parameters", "MACs", "s a million images")


def cost(outcomes: Sequence[Outcome]) -> tuple[str, str, str]:
    """The cells of a setting under COST."""
    first = outcomes[0]
    return f"{first.parameters:,}", short(first.macs), f"{million(outcomes):,.0f}"


def million(outcomes: Sequence[Outcome]) -> float:
    """Processor seconds to train on a million images, the mean of the seeds."""
    return 1e6 * mean(each.seconds / each.trial.images for each in outcomes)
