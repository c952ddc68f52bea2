"""Joins the parts of a sheet into lines of writing: from left to right, each to the line it continues.

A line may rise and fall: its last few parts tell where it goes on, not the whole sheet.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .parts import Parts

MAIN = 0.45
"""In heights of the writing: parts at least this high (or wide) make lines; others join them."""
NEAR = 0.6
"""In heights of the writing: how far a part's middle may be from its line's."""
MEMORY = 6
"""How many of a line's last parts tell where it goes on."""

ENOUGH = 64
"""About how many parts of a line suffice to tell whether it continues another."""
REACH = 1.5
"""In heights of the writing: what is farther from every line belongs to none."""


def find_lines(parts: Parts) -> list[list[int]]:
    """The indices of `parts`, line by line from the top, each from left to right."""
    if not len(parts):
        return []
    main = np.maximum(parts.heights, parts.widths) >= MAIN * parts.tall
    lines = _united(_follow(np.flatnonzero(main), parts), parts)
    _join(np.flatnonzero(~main), lines, parts)
    lefts = parts.boxes[:, 0].tolist()
    return [sorted(line, key=lambda at: (lefts[at], at)) for line in lines]


def _follow(main: npt.NDArray[np.intp], parts: Parts) -> list[list[int]]:
    """The lines that the parts `main` make: from left to right, each goes on the line at its height."""
    lines: list[list[int]] = []
    ends = np.zeros(len(main))  # of each line: the height at which it goes on
    for index in main[np.argsort(parts.boxes[main, 0], kind="stable")].tolist():
        away = np.abs(ends[: len(lines)] - parts.centres[index])
        best = int(away.argmin()) if len(lines) else 0
        if not len(lines) or away[best] > NEAR * parts.tall:
            best = len(lines)
            lines.append([])
        lines[best].append(index)
        ends[best] = np.median(parts.centres[lines[best][-MEMORY:]])
    return lines


def _united(lines: Sequence[list[int]], parts: Parts) -> list[list[int]]:
    """The lines from the top; one that continues the last one, or lies within it, is joined to it."""
    order = sorted(lines, key=lambda line: float(np.median(parts.centres[line])))
    found: list[list[int]] = []
    for line in order:
        if found and _same(found[-1], line, parts):
            found[-1] = found[-1] + line
        else:
            found.append(line)
    return found


def _same(one: list[int], other: list[int], parts: Parts) -> bool:
    """Whether two neighbouring lines are one: where they are nearest, they are at the same height."""
    few, many = sorted((one, other), key=len)
    few = few[:: 1 + len(few) // ENOUGH]
    lefts, centres = parts.boxes[:, 0], parts.centres
    across = np.abs(lefts[many][None] - lefts[few][:, None]).argsort(axis=1, kind="stable")
    beside = np.array(many)[across[:, :MEMORY]]
    away = np.median(centres[beside], axis=1) - centres[few]
    return float(np.median(np.abs(away))) < NEAR * parts.tall


def _join(others: npt.NDArray[np.intp], lines: list[list[int]], parts: Parts) -> None:
    """Add each of `others` (dots, dashes, broken strokes) to the line of the nearest part, if near."""
    main = parts.boxes[[index for line in lines for index in line]]
    line_of = [number for number, line in enumerate(lines) for _ in line]
    for index in others.tolist():
        left, top, right, bottom = parts.boxes[index]
        across = np.maximum(0, np.maximum(main[:, 0] - right, left - main[:, 2]))
        down = np.maximum(0, np.maximum(main[:, 1] - bottom, top - main[:, 3]))
        away = np.hypot(across, down)
        best = int(away.argmin())
        if away[best] < REACH * parts.tall:
            lines[line_of[best]].append(index)


def all_in_line(parts: Parts) -> list[int]:
    """The indices of `parts` from left to right."""
    return [int(index) for index in np.argsort(parts.boxes[:, 0], kind="stable")]
