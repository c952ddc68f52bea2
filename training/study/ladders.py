"""A norm at a batch size: the ladder of learning rates it is tuned on, and what was found there."""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

from .rounds import Outcomes, Setting, accuracies, ask
from .trials.trial import Outcome, Trial

NORMS = {"batch": "BatchNorm", "group": "GroupNorm", "none": "no norm"}
"""Norms by their name in a layout; `none` is for reference."""
BATCHES = (2, 8, 32, 128, 512)

RUNGS = range(4)
"""The rungs of a ladder at first; if the best is at an end, one more is tried, BEYOND times at most."""
BEYOND = 2
LOWEST, STEP = 1e-3, sqrt(10)
"""The rate of the lowest rung at the batch size MIDDLE, and the factor from rung to rung."""
MIDDLE = 32


class Place(NamedTuple):
    """A norm at a batch size."""

    norm: str
    batch: int

    def rate(self, rung: int) -> float:
        """The learning rate of a rung, to two figures.

        It rises with the square root of the batch size (Krizhevsky 2014).
        """
        return float(f"{LOWEST * STEP**rung * sqrt(self.batch / MIDDLE):.2g}")


@dataclass(frozen=True)
class Ladders:
    """`tuned` are accuracies by rung, of a seed that is used for nothing else.

    `found` are the outcomes of all other seeds, at the best rung of each place.
    """

    batches: Sequence[int]
    tuned: dict[Place, dict[int, float]]
    found: Outcomes[Place]

    def best(self, place: Place) -> int:
        """The rung of the highest accuracy."""
        return best(self.tuned[place])

    def shares(self, norm: str, batch: int) -> list[float]:
        """The accuracies of a place, one for each seed."""
        return accuracies(self.found[Place(norm, batch)])


def best(rungs: dict[int, float]) -> int:
    """The rung of the highest accuracy; the lowest of those that tie."""
    return max(sorted(rungs), key=lambda rung: rungs[rung])


def beyond(rungs: dict[int, float]) -> list[int]:
    """The rungs to try next: one beyond the best if that is at an end.

    Empty once there are BEYOND more rungs than RUNGS.
    """
    if len(rungs) >= len(RUNGS) + BEYOND:
        return []
    top = best(rungs)
    return [top - 1] * (top == min(rungs)) + [top + 1] * (top == max(rungs))


def tune(
    first: Mapping[Setting, Iterable[int]], trial: Callable[[Setting, int], Trial]
) -> Generator[list[Trial], list[Outcome], dict[Setting, dict[int, float]]]:
    """The accuracies of each setting by rung: of its `first` rungs, then beyond them (see `beyond`).

    It is a part of a section, as a Request is; `trial` makes the training of a setting at a rung.
    """
    tuned: dict[Setting, dict[int, float]] = {setting: {} for setting in first}
    lacking = first
    while wanted := [(setting, rung) for setting, rungs in lacking.items() for rung in rungs]:
        found = yield from ask({pair: [trial(*pair)] for pair in wanted})
        for (setting, rung), (outcome,) in found.items():
            tuned[setting][rung] = outcome.accuracy
        lacking = {setting: beyond(rungs) for setting, rungs in tuned.items()}
    return tuned


def ends(tuned: Mapping[Setting, dict[int, float]], name: Callable[[Setting], str]) -> Iterator[str]:
    """A sentence on the settings for which a rate beyond those that were tried might be better, if any.

    `tuned` is as `tune` returns it.
    """
    found = [
        name(setting)
        for setting, rungs in tuned.items()
        if rungs and best(rungs) in (min(rungs), max(rungs))
    ]
    if found:
        yield f"Still best at an end of the rates that were tried: {', '.join(found)}."
