"""The figures of a report, as PNG files: confusion matrix, reliability diagram, coverage curve."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..figure import blank
from ..measures.answers import Answers
from ..measures.reliability import BINS, bins
from ..measures.significance import wilson

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, RED, GREY = "#2f6fde", "#d2452f", "#8a8f98"
HEAT = ("#ffffff", "#fdc98a", "#f0701d", "#b3131b")
DPI = 160
MATRIX_INCHES = (10.0, 9.4)
BARS = "this network, with 95 % intervals"
TOLD = 0.05
"""Mistakes in at least this share of a class are written into the matrix as figures."""


def draw_confusion(answers: Answers, path: Path) -> None:
    """Rows are true classes, columns what was read; the diagonal is grey, so that mistakes show."""
    from matplotlib.colors import LinearSegmentedColormap, PowerNorm

    figure = blank(*MATRIX_INCHES)
    axes = figure.add_subplot(xlabel="read as", ylabel="true class")
    shares = answers.confusion / np.maximum(answers.confusion.sum(axis=1, keepdims=True), 1)
    wrong = np.ma.masked_array(shares, np.eye(len(shares), dtype=bool))
    colours = LinearSegmentedColormap.from_list("mistakes", HEAT).with_extremes(bad="#d9dde3")
    ceiling = max(0.05, float(wrong.max() or 0))
    image = axes.imshow(wrong, cmap=colours, norm=PowerNorm(0.45, vmin=0, vmax=ceiling))
    bar = figure.colorbar(image, ax=axes, shrink=0.75, pad=0.015, format=lambda at, _: f"{100 * at:g} %")
    bar.set_label("share of the true class")
    _label_classes(axes, answers.labels)
    _write_shares(axes, np.where(np.eye(len(shares), dtype=bool), 0, shares), ceiling)
    figure.savefig(path, dpi=DPI)


def _label_classes(axes: "Axes", labels: str) -> None:
    places, size = range(len(labels)), 10 if len(labels) > 26 else 13
    axes.set_xticks(places, list(labels), fontsize=size, family="DejaVu Sans Mono")
    axes.set_yticks(places, list(labels), fontsize=size, family="DejaVu Sans Mono")
    axes.tick_params(top=True, labeltop=True, right=True, labelright=True, length=0)
    axes.set_xticks(np.arange(len(labels) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(labels) + 1) - 0.5, minor=True)
    axes.tick_params(which="minor", length=0)
    axes.grid(which="minor", color="#eceef1", linewidth=0.5)
    axes.spines[:].set_visible(False)


def _write_shares(axes: "Axes", shares: npt.NDArray[np.float64], ceiling: float) -> None:
    size = 6.0 if len(shares) > 26 else 9.0
    for row, column in np.argwhere(shares >= TOLD):
        colour = "white" if shares[row, column] > ceiling / 3 else "black"
        text = f"{100 * shares[row, column]:.0f}"
        axes.text(column, row, text, ha="center", va="center", fontsize=size, color=colour)


def draw_reliability(answers: Answers, path: Path) -> None:
    """Accuracy against confidence, bin by bin; below it, how many answers each bin has."""
    figure = blank(6, 5)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    found = bins(answers)
    sure = [each.confidence for each in found]
    upper.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="perfectly calibrated")
    right = np.array([each.accuracy for each in found])
    low, high = wilson(
        [each.accuracy * each.answers for each in found], [each.answers for each in found]
    )
    reach = np.maximum(0, (right - low, high - right))
    upper.errorbar(sure, right, reach, fmt="o-", color=BLUE, linewidth=1.2, markersize=4, label=BARS)
    upper.set(ylabel="share right", xlim=(0, 1), ylim=(0, 1.02))
    upper.legend(frameon=False, loc="lower right")
    lower.bar(sure, [each.answers for each in found], width=0.8 / BINS, color=BLUE, alpha=0.6)
    lower.set(xlabel="confidence", ylabel="answers", yscale="log")
    _finish(figure, path)


def draw_coverage(answers: Answers, threshold: float, path: Path) -> None:
    """The share of right answers against the share kept, surest first; `threshold` is marked."""
    order = np.argsort(-answers.confidence, kind="stable")
    kept = np.arange(1, len(answers) + 1)
    accuracy = np.cumsum(answers.right[order]) / kept
    sure = float((answers.confidence >= threshold).mean())
    figure = blank(6, 5)
    axes = figure.add_subplot(
        xlabel="share of answers kept, surest first, %", ylabel="share of these right, %"
    )
    begin = min(len(answers) - 1, len(answers) // 50)  # the first few are too few to draw
    axes.plot(100 * kept[begin:] / len(kept), 100 * accuracy[begin:], color=BLUE)
    axes.axvline(
        100 * sure, color=RED, linewidth=1, linestyle="--", label=f"not flagged uncertain: {sure:.1%}"
    )
    axes.legend(frameon=False, loc="lower left")
    axes.set_xlim(0, 101)
    _finish(figure, path)


def _finish(figure: "Figure", path: Path) -> None:
    for axes in figure.axes:
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=DPI)
