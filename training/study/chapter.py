"""What a section of the study hands to the report: sentences, tables, plots, and its finalists."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

from ..tables import Sheet
from .trial import Outcome, Trial


@dataclass(frozen=True)
class Series:
    """A line of a plot: at each of `x` one value a seed, `y` (points, seeds); drawn as mean and band."""

    name: str
    x: Sequence[float]
    y: Sequence[Sequence[float]]


@dataclass(frozen=True)
class Plot:
    """A plot, `name` as a file is named; `ticks` are what to write at x = 0, 1, ... without a scale.

    `joined` series are lines; others are dots with bars.
    """

    name: str
    caption: str
    x_label: str
    y_label: str
    series: Sequence[Series]
    log_x: bool = False
    ticks: Sequence[str] = ()
    joined: bool = True


@dataclass(frozen=True)
class Chapter:
    """A section, told. Every finding is computed from outcomes.

    `finalists` (by what they are called) are measured on the test set, once, each by all its seeds.
    """

    title: str
    introduction: str
    findings: Sequence[str]
    sheets: Sequence[Sheet]
    plots: Sequence[Plot]
    finalists: dict[str, Sequence[Outcome]] = field(default_factory=dict)


Section = Generator[list[Trial], list[Outcome], Chapter]
"""Asks for trials, is sent their outcomes in the same order, asks again, and returns its chapter."""


@dataclass(frozen=True)
class Scale:
    """How much is spent: images a comparison shows to a network, and seeds a figure rests on."""

    images: int
    seeds: int


FULL = Scale(images=140_000, seeds=3)
QUICK = Scale(images=384, seeds=2)
"""Enough to see every step of the study work, on drawn characters; not to learn anything from it."""
