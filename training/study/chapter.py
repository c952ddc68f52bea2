"""What a section of the study hands to the report: sentences, tables, plots, and its finalists."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..tables import TextTable
from .trials.trial import Outcome


@dataclass(frozen=True)
class Series:
    """A line of a plot: `y` (points, seeds) has a value for each seed at each of `x`."""

    name: str
    x: Sequence[float]
    y: Sequence[Sequence[float]]


@dataclass(frozen=True)
class Plot:
    """A plot; `name` names its file, and `ticks`, if any, are written at x = 0, 1, ...

    `joined` series are lines with bands; others are dots with bars.
    """

    name: str
    caption: str
    x_label: str
    series: Sequence[Series]
    log_x: bool = False
    ticks: Sequence[str] = ()
    joined: bool = True


@dataclass(frozen=True)
class Chapter:
    """What a section contributes to the report. Every finding is computed from outcomes.

    `finalists` (by name) are measured on the test set, once, each with all its seeds.
    """

    title: str
    introduction: str
    findings: Sequence[str]
    tables: Sequence[TextTable]
    plots: Sequence[Plot]
    finalists: dict[str, Sequence[Outcome]] = field(default_factory=dict)
