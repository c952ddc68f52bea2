"""A norm at a batch size: the ladder of learning rates it is tuned on, and what was found there."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

from ..rates import best
from ..rounds import Outcomes, accuracies

NORMS = {"batch": "BatchNorm", "group": "GroupNorm", "none": "no norm"}
"""Norms by their name in a layout; `none` is for reference."""
BATCHES = (2, 8, 32, 128, 512)

RUNGS = range(4)
"""The rungs that are tried first."""
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
