"""The plots of a chapter as PNG files: lines or dots for each series, with intervals over seeds."""

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ...figure import blank
from ...reports.figures import BLUE, DPI, GREY, RED
from ...tables import percent
from ..chapter import Plot, Series
from ..statistics import interval
from .letters import Letter, by_recall

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = (BLUE, RED, "#1b8a6b", "#e0a100", "#8e4fb8", "#4d5561", "#5fb3e6", "#d17fa8")
"""In this order people of any colour vision can tell them apart; in grey print the marks differ."""

MARKS = "osD^vPX*"
INCHES = (7.5, 4.4)
FEW = 6
"""Up to this many values are all written at the axis."""


def draw_plot(plot: Plot, path: Path) -> None:
    """Means as marks; the band or bar is the 95 % interval of the mean over seeds (t distribution)."""
    figure = blank(*INCHES)
    axes = figure.add_subplot(xlabel=plot.x_label, ylabel="validation accuracy")
    if plot.log_x:
        axes.set_xscale("log")
    draw = _draw_line if plot.joined else _draw_dots
    for series, colour, mark in zip(plot.series, cycle(COLOURS), cycle(MARKS), strict=False):
        draw(axes, series, colour, mark)
    _label(axes, plot)
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, 0), min(high, 1))  # what an interval has beyond 0 and 1 is not shown
    axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:g} %")
    figure.savefig(path, dpi=DPI)


def _draw_line(axes: "Axes", series: Series, colour: str, mark: str) -> None:
    means, low, high = bands(series)
    axes.plot(series.x, means, color=colour, marker=mark, markersize=5, label=series.name)
    axes.fill_between(series.x, low, high, color=colour, alpha=0.15, linewidth=0)


def _draw_dots(axes: "Axes", series: Series, colour: str, mark: str) -> None:
    means, low, high = bands(series)
    reach = np.nan_to_num((means - low, high - means))
    axes.errorbar(
        series.x, means, reach, fmt=mark, color=colour, markersize=6, capsize=3, label=series.name
    )


def bands(series: Series) -> npt.NDArray[np.float64]:
    """(3, points): means over seeds, and the ends of their intervals, nan for a single seed."""
    found = [interval(values) for values in series.y]
    return np.array(found, np.float64).reshape(-1, 3).T


def _label(axes: "Axes", plot: Plot) -> None:
    values = sorted({value for series in plot.series for value in series.x})
    if plot.ticks:
        _write_ticks(axes, plot.ticks)
    elif len(values) <= FEW:
        axes.set_xticks(values, [f"{value:g}" for value in values])
        axes.minorticks_off()
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    if len(plot.series) > 1:
        axes.legend(frameon=False, fontsize=9)


def _write_ticks(axes: "Axes", ticks: Sequence[str]) -> None:
    longest = max(map(len, ticks))
    turned = longest * len(ticks) > 80
    axes.set_xticks(
        range(len(ticks)), ticks, rotation=30 if turned else 0, ha="right" if turned else "center"
    )


def draw_letters(letters: Sequence[Letter], path: Path) -> None:
    """The share of each letter that is read right, with 95 % intervals, the worst first."""
    ordered = by_recall(letters)
    recalls = np.array([each.figures.recall for each in ordered])
    low, high = np.array([each.interval for each in ordered]).T
    figure = blank(*INCHES)
    axes = figure.add_subplot(ylabel="read right")
    whole = sum(each.figures.recall * each.figures.images for each in ordered)
    mean = whole / sum(each.figures.images for each in ordered)
    axes.axhline(mean, color=GREY, linewidth=1, linestyle="--", label=f"all: {percent(mean)}")
    reach = np.maximum(0, (recalls - low, high - recalls))
    axes.errorbar(range(len(ordered)), recalls, reach, fmt="o", color=BLUE, markersize=5, capsize=2)
    axes.set_xticks(range(len(ordered)), [each.label for each in ordered], family="DejaVu Sans Mono")
    axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:g} %")
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    figure.savefig(path, dpi=DPI)
