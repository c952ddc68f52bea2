"""An orthogonal array: many factors tried together in few runs, and the effect of each of them.

The lines of the plane over GF(p) give p + 1 columns of p levels in p * p runs; in any two columns every
pair of levels occurs once (Rao 1947; with p = 5 it is Taguchi's L25). The columns use up all degrees of
freedom: an interaction of two factors is counted as an effect of the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from statistics import mean
from typing import Any

LEAST = 1e-3
"""Shares are kept this far from 0 and 1 before their log-odds are taken."""


def orthogonal_array(levels: int) -> list[tuple[int, ...]]:
    """`levels` squared runs of `levels` + 1 columns; `levels` is a prime."""
    return [
        (one, other, *((one + slope * other) % levels for slope in range(1, levels)))
        for one in range(levels)
        for other in range(levels)
    ]


@dataclass(frozen=True)
class Effects:
    """The effect of each factor, in the order of the columns, on a share that is to be high.

    `levels` holds the mean of every level, converted back from log-odds; `shares` says how much of the
    variance the factor explains, `noise` how much is between seeds.
    """

    levels: Sequence[Mapping[Any, float]]
    shares: Sequence[float]
    noise: float
    average: float

    def best(self) -> list[Any]:
        """The best level of each factor: the best run, if factors add up."""
        return [max(each, key=lambda level: each[level]) for each in self.levels]

    def predict(self, run: Sequence[Any]) -> float:
        """The share that `run` should reach, if factors add up in log-odds."""
        overall = log_odds(self.average)
        gains = (log_odds(each[level]) - overall for each, level in zip(self.levels, run, strict=True))
        return _share(overall + sum(gains))


def main_effects(factors: Sequence[Sequence[Any]], runs: Mapping[Any, Sequence[float]]) -> Effects:
    """The effects in an orthogonal array, from its runs and the shares that their seeds reached.

    Every run has equally many seeds. `factors` are the levels of each column, in the order in which they
    are reported. Means are taken in log-odds, as Taguchi does for shares: there the same step is worth
    more near 0 and 1.
    """
    scores = {run: [log_odds(each) for each in shares] for run, shares in runs.items()}
    overall = mean(mean(each) for each in scores.values())
    total = sum((each - overall) ** 2 for those in scores.values() for each in those)
    within = sum((each - mean(those)) ** 2 for those in scores.values() for each in those)
    levels, shares = [], []
    for every, column in zip(factors, zip(*runs, strict=True), strict=True):
        groups = {level: _at(level, column, scores) for level in every}
        means = {level: mean(those) for level, those in groups.items()}
        explained = sum((means[each] - overall) ** 2 * len(groups[each]) for each in groups)
        levels.append({level: _share(each) for level, each in means.items()})
        shares.append(explained / total if total else 0.0)
    return Effects(levels, shares, within / total if total else 0.0, _share(overall))


def _at(level: Any, column: Sequence[Any], scores: Mapping[Any, Sequence[float]]) -> list[float]:
    pairs = zip(column, scores.values(), strict=True)
    return [each for here, those in pairs if here == level for each in those]


def log_odds(share: float) -> float:
    """The log-odds of a share, which is kept away from 0 and 1."""
    kept = min(max(share, LEAST), 1 - LEAST)
    return log(kept / (1 - kept))


def _share(odds: float) -> float:
    return 1 / (1 + exp(-odds))
