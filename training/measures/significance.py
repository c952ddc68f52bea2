"""How far a share can be trusted, and whether two networks differ: intervals and tests without scipy."""

from dataclasses import dataclass
from math import comb

import numpy as np
import numpy.typing as npt

from .answers import Bools

Doubles = npt.NDArray[np.float64]

TWO_SIDED_95 = 1.959964
ONE_SIDED_99 = 2.326348
"""Standard normal quantiles."""


def wilson(
    hits: npt.ArrayLike, total: npt.ArrayLike, z: float = TWO_SIDED_95
) -> tuple[Doubles, Doubles]:
    """Lower and upper bounds of the share behind `hits` of `total` > 0, elementwise (Wilson 1927)."""
    n = np.asarray(total, np.float64)
    share = np.asarray(hits, np.float64) / n
    middle = share + z * z / (2 * n)
    reach = z * np.sqrt(share * (1 - share) / n + (z / (2 * n)) ** 2)
    below = np.asarray((middle - reach) / (1 + z * z / n))
    above = np.asarray((middle + reach) / (1 + z * z / n))
    return below, above


@dataclass(frozen=True)
class Duel:
    """Images that only one of two networks reads right, and how likely chance is to split them so."""

    only_first: int
    only_second: int
    p: float


def mcnemar(first: Bools, second: Bools) -> Duel:
    """The exact two-sided test of McNemar (1947) on what two networks got right of the same images."""
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    differing = only_first + only_second
    tail = sum(comb(differing, hits) for hits in range(min(only_first, only_second) + 1))
    return Duel(only_first, only_second, min(1.0, 2 * tail / 2**differing))
