"""Means over seeds, and how far they can be trusted by Student's t, as figures and as sentences."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import isnan, nan, sqrt
from statistics import mean, variance
from typing import TypeVar

from ..tables import percent

STUDENT_95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179)
"""Two-sided 95 % quantiles of Student's t for 1, 2, ... degrees of freedom; the last serves for more."""


NOTE = (
    "± is half the 95 % interval of the mean over seeds (Student's t). It is for each figure by itself: "
    "of twenty differences that are not real, one exceeds the spread over seeds by chance. It is left "
    "out where so few seeds differ so much that it would tell nothing."
)
"""Below every table that has intervals."""


def quantile(degrees: int) -> float:
    """The two-sided 95 % quantile of Student's t; nan without a degree of freedom."""
    return STUDENT_95[min(degrees, len(STUDENT_95)) - 1] if degrees > 0 else nan


def interval(values: Sequence[float]) -> tuple[float, float, float]:
    """The mean of `values`, one for each seed, and the ends of its 95 % interval: nan for one seed."""
    middle, count = mean(values), len(values)
    if count < 2:
        return middle, nan, nan
    reach = quantile(count - 1) * sqrt(variance(values) / count)
    return middle, middle - reach, middle + reach


@dataclass(frozen=True)
class Lead:
    """How far one mean is above another, with the ends of the 95 % interval (nan: one seed each)."""

    mean: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether the spread over seeds does not explain it."""
        return self.low > 0 or self.high < 0


def lead(first: Sequence[float], second: Sequence[float]) -> Lead:
    """The lead of `first` over `second`, by Student's t-test of two samples of equal variance."""
    ahead, degrees = mean(first) - mean(second), len(first) + len(second) - 2
    if degrees < 1:
        return Lead(ahead, nan, nan)
    squares = sum(variance(each) * (len(each) - 1) for each in (first, second) if len(each) > 1)
    reach = quantile(degrees) * sqrt(squares / degrees * (1 / len(first) + 1 / len(second)))
    return Lead(ahead, ahead - reach, ahead + reach)


def told(values: Sequence[float]) -> str:
    """Shares, one for each seed: '91.20 % ± 0.31'; the second is half the 95 % interval, in points.

    It is left out if it tells nothing: for one seed, or for so few that they differ too much.
    """
    middle, low, high = interval(values)
    return percent(middle) + (f" ± {100 * (middle - low):.2f}" if tells(low, high) else "")


def tells(low: float, high: float) -> bool:
    """Whether the interval of a share tells anything; not if it reaches below 0 % or is 100 points
    wide, nor if its ends are nan."""
    return low >= 0 and high - low < 1


def points(difference: float) -> str:
    """A difference of shares, without its sign: '0.42 points'."""
    return f"{100 * abs(difference):.2f} points"


def compared(one: str, other: str, ahead: Lead) -> str:
    """Which of two is ahead, by how much and how surely, as the main clause of a sentence."""
    if not ahead.mean:
        return f"{one} and {other} are level"
    first, second = (one, other) if ahead.mean > 0 else (other, one)
    return f"{first} is {points(ahead.mean)} ahead of {second}, {surety(ahead)}"


def surety(ahead: Lead) -> str:
    """Whether the spread over seeds explains a lead."""
    if isnan(ahead.low):
        return "by one seed each, which shows nothing about chance"
    ends = sorted(100 * (each if ahead.mean >= 0 else -each) for each in (ahead.low, ahead.high))
    ends = [min(max(each, -100.0), 100.0) for each in ends]  # shares cannot be farther apart
    within = f"95 % interval {ends[0]:.2f} to {ends[1]:.2f}"
    return f"{'more than' if ahead.clear else 'which may be'} the spread over seeds ({within})"


Item = TypeVar("Item")


def pareto_front(
    every: Iterable[Item], cost: Callable[[Item], float], worth: Callable[[Item], float]
) -> list[Item]:
    """Those that are worth more than every cheaper one, the cheapest first."""
    front: list[Item] = []
    for each in sorted(every, key=lambda one: (cost(one), -worth(one))):
        if not front or worth(each) > worth(front[-1]):
            front.append(each)
    return front
