"""The chapter on fully connected networks: the sweep in tables and plots."""

from collections.abc import Mapping
from statistics import mean
from typing import Any

from ...tables import TextTable, percent
from ..chapter import Chapter, Plot, Series
from ..rounds import COST, accuracies, cost, ranked
from ..statistics import NOTE, points, told
from .factors import FACTORS, LOGARITHMIC, TITLES, Sweep, level
from .findings import findings

INTRODUCTION = (
    "A fully connected network sees the 784 pixels as a list. How many neurons in how many layers it "
    "has, and how it is trained, are six factors of five levels each: too many to try all. So they are "
    "screened by an orthogonal array, Taguchi's L25: 25 settings in which every level of a factor meets "
    "every level of any other exactly once, so that the mean of a level's five runs shows what it does "
    "(worked out in log-odds). The price is that what two factors only do together is counted as a "
    "third one's doing. So the better of the array's best run and of the setting that it predicts "
    "is only the centre around which one factor at a time is varied, and the two best of all settings "
    "are trained longer, by more seeds."
)


def tell(sweep: Sweep) -> Chapter:
    """The chapter; the two that were confirmed go to the test set."""
    first, second = ranked(sweep.confirmed)
    return Chapter(
        title="Fully connected networks",
        introduction=INTRODUCTION,
        findings=findings(sweep),
        tables=[_effects(sweep), _runs(sweep), _around(sweep), _confirmed(sweep)],
        plots=[_plot(sweep, factor) for factor in FACTORS],
        finalists={
            "best fully connected": sweep.confirmed[first],
            "second fully connected": sweep.confirmed[second],
        },
    )


def _effects(sweep: Sweep) -> TextTable:
    every = zip(FACTORS, sweep.effects.levels, sweep.effects.shares, strict=True)
    rows = [
        (
            TITLES[factor],
            *_cells({each: percent(share) for each, share in levels.items()}),
            percent(explained, 1),
        )
        for factor, levels, explained in every
    ]
    rows.append(("between seeds", *[""] * 5, percent(sweep.effects.noise, 1)))
    return TextTable(
        "What each factor does over the array: mean accuracy of each level, and share of the variance",
        ("factor", *[f"level {number}" for number in range(1, 6)], "of the variance"),
        rows,
    )


def _runs(sweep: Sweep) -> TextTable:
    rows = []
    for setting, outcomes in sweep.screened.items():
        shares = accuracies(outcomes)
        apart = points(max(shares) - min(shares))
        rows.append((*map(level, setting), percent(mean(shares)), apart))
    return TextTable("The runs of the array", (*TITLES.values(), "accuracy", "seeds apart"), rows)


def _around(sweep: Sweep) -> TextTable:
    rows = [
        (TITLES[factor], *_cells({each: told(those) for each, those in sweep.along(factor).items()}))
        for factor in FACTORS
    ]
    columns = ("factor", *[f"level {number}" for number in range(1, 6)])
    return TextTable(f"One factor at a time, around {sweep.centre}", columns, rows, [NOTE])


def _confirmed(sweep: Sweep) -> TextTable:
    rows = [
        (str(each), told(accuracies(sweep.confirmed[each])), *cost(sweep.confirmed[each]))
        for each in ranked(sweep.confirmed)
    ]
    return TextTable("The two best, trained longer", ("setting", "accuracy", *COST), rows, [NOTE])


def _cells(levels: Mapping[Any, str]) -> list[str]:
    return [f"{level(each)}: {text}" for each, text in levels.items()]


def _plot(sweep: Sweep, factor: str) -> Plot:
    levels = sweep.along(factor)
    numbers = all(isinstance(each, int | float) for each in levels)
    return Plot(
        name=f"perceptrons-{factor}",
        caption=f"Accuracy by {TITLES[factor]}, all else as in {sweep.centre}.",
        x_label=TITLES[factor],
        series=[
            Series("validation", list(levels) if numbers else range(len(levels)), list(levels.values()))
        ],
        log_x=factor in LOGARITHMIC,
        ticks=() if numbers else [level(each) for each in levels],
        joined=numbers,
    )
