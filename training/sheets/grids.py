"""Ruled sheets, drawn: a full grid, or combs (rows of cells apart), with a character in most cells."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.files.images import Grey

from .drawing import Drawn, Floats, Placed, Taking, bounds, enlarged, put, seen, take


@dataclass(frozen=True)
class Ruling:
    """`rows` x `columns` cells of `cell` pixels, rules `thick` pixels wide, their ink the share `ink` of
    the pen's; `apart` pixels between rows (0: a full grid); the share `blank` of the cells is empty."""

    rows: int
    columns: int
    cell: int = 90
    thick: int = 3
    ink: float = 0.8
    apart: int = 0
    blank: float = 0.2


def ruled(rng: np.random.Generator) -> Ruling:
    """A random answer sheet."""
    return Ruling(
        rows=int(rng.integers(2, 21)),
        columns=int(rng.integers(3, 21)),
        cell=int(rng.integers(60, 121)),
        thick=int(rng.integers(2, 6)),
        ink=rng.uniform(0.4, 1.0),
        apart=int(rng.integers(15, 60)) if rng.random() < 1 / 3 else 0,
    )


def draw_grid(glyphs: Grey, ruling: Ruling, taking: Taking, rng: np.random.Generator) -> Drawn:
    """A sheet with `glyphs` (n, 28, 28) in its cells, n = rows x columns, except those left blank."""
    cell, margin = ruling.cell, ruling.cell
    step = cell + ruling.apart
    shape = 2 * margin + step * ruling.rows, 2 * margin + cell * ruling.columns
    canvas = np.zeros((shape[0] + ruling.thick, shape[1] + ruling.thick), np.float32)
    spots = []
    for row in range(ruling.rows):
        for column in range(ruling.columns):
            left, top = margin + column * cell, margin + row * step
            _rule(canvas, left, top, ruling)
            index = -1 if rng.random() < ruling.blank else row * ruling.columns + column
            if index >= 0:
                _write(canvas, glyphs[index], left, top, ruling, rng)
            spots.append((left, top, row, column, index))
    pixels, there = take(canvas, taking, rng)
    placed = [
        Placed(seen(_corners(left, top, ruling), there), row, column, index)
        for left, top, row, column, index in spots
    ]
    return Drawn(pixels, placed)


def _corners(left: int, top: int, ruling: Ruling) -> npt.NDArray[np.float64]:
    """The corners (4, 2) of the room between the rules of a cell."""
    right, bottom = left + ruling.cell, top + ruling.cell
    left, top = left + ruling.thick, top + ruling.thick
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], float)


def _rule(canvas: Floats, left: int, top: int, ruling: Ruling) -> None:
    side, thick = ruling.cell, ruling.thick
    for at in (0, side):
        canvas[top + at : top + at + thick, left : left + side + thick] = ruling.ink
        canvas[top : top + side + thick, left + at : left + at + thick] = ruling.ink


def _write(
    canvas: Floats, glyph: Grey, left: int, top: int, ruling: Ruling, rng: np.random.Generator
) -> None:
    """A character near the middle of its cell, now and then over a rule."""
    ink = enlarged(glyph, ruling.cell * rng.uniform(0.5, 0.7))
    begin, high, end, low = bounds(ink)
    middle = ruling.cell / 2 + ruling.thick / 2 + ruling.cell * rng.normal(0, 0.05, 2)
    across, down = round(middle[0] - (begin + end) / 2), round(middle[1] - (high + low) / 2)
    put(canvas, ink, left + across, top + down)
