"""Cuts a grid into its characters, one per cell, row by row; that of an empty cell is blank."""

from collections.abc import Iterator

import cv2
import numpy as np

from ..card import Normalization
from ..files.images import BadImage, Grey
from ..layout import Character, Layout
from .cells import Cells, Corners, find_cells, shape_of
from .glyphs import Piece, box_around, to_glyph
from .paper import Paper, even
from .parts import MOST_PARTS, connected
from .skew import upright

SPECK = 0.03
"""Share of the largest part in a cell: a smaller one does not belong to its character."""
LEAST = 0.15
"""Share of a cell's height: a cell with only lower and narrower ink is blank."""
EDGE = 0.12
"""Share of a cell's sides: what reaches no farther in from its edge is a rule, or a neighbour's ink."""
COVER = 0.125
"""The least share of the sheet that ruled cells cover; a few spaces within letters cover less."""


def cut_grid(grey: Grey, normalization: Normalization | None, layout: Layout) -> list[Character]:
    """A character for every cell of a grid. Raises BadImage if the cells are not those of `layout`."""
    flat = even(grey)
    paper = upright(flat)
    cells = find_cells(paper.prints)
    if few(cells, layout) and not cover(cells, paper):
        paper, cells = flat, divided(flat, layout)
    expect(cells, layout)
    return list(_read(paper, cells, normalization))


def few(cells: Cells, layout: Layout) -> bool:
    """Whether `layout` asks for more than twice as many cells, or for any and there is but one."""
    return 2 * len(cells) < (layout.rows * layout.columns or 3)


def cover(cells: Cells, paper: Paper) -> bool:
    """Whether the cells cover too much of the sheet to be rooms within letters."""
    return sum(map(cv2.contourArea, cells.values())) >= COVER * paper.ink.size


def expect(cells: Cells, layout: Layout) -> None:
    """Raise BadImage if there are no cells, or not those that `layout` asks for."""
    found = shape_of(cells)
    if not cells:
        raise BadImage(
            "no ruled cells were found: give rows and columns, and the picture is divided evenly; or "
            "use layout=page"
        )
    if layout.rows and layout.columns and found != (layout.rows, layout.columns):
        is_there = f"{found[0]} x {found[1]}" if found else f"{len(cells)} in rows that differ"
        raise BadImage(
            f"ruled cells: {is_there} were found, not {layout.rows} x {layout.columns}: correct rows "
            "and columns or leave them out, and let the picture show the whole grid"
        )


def divided(paper: Paper, layout: Layout) -> Cells:
    """The picture divided into the cells that `layout` asks for, which are equal; none if it asks for
    ruled ones. Raises BadImage if these are too many or too small."""
    height, width = paper.ink.shape
    rows, columns = layout.rows, layout.columns
    if rows > height or columns > width or rows * columns > MOST_PARTS:
        raise BadImage(
            f"{rows} x {columns} cells in {width}x{height} pixels: at most {MOST_PARTS:,} are read, "
            "each of a pixel or more"
        )
    tops = np.linspace(0, height, rows + 1).astype(int).tolist()
    lefts = np.linspace(0, width, columns + 1).astype(int).tolist()
    return {
        (row, column): box_corners(lefts[column], tops[row], lefts[column + 1], tops[row + 1])
        for row in range(rows)
        for column in range(columns)
    }


def box_corners(left: int, top: int, right: int, bottom: int) -> Corners:
    """The outermost pixels at the corners of a box."""
    ends = (left, top), (right - 1, top), (right - 1, bottom - 1), (left, bottom - 1)
    return np.array(ends, np.int32)


def _read(paper: Paper, cells: Cells, normalization: Normalization | None) -> Iterator[Character]:
    mask = paper.mask
    for group, ((row, column), corners) in enumerate(sorted(cells.items(), key=lambda each: each[0])):
        glyph = to_glyph(paper, written(mask, corners).tight(), normalization)
        yield Character(glyph, box_around(paper, corners), row, column, group)


def written(mask: Grey, corners: Corners) -> Piece:
    """The ink in a cell, without rules, neighbours' strokes and specks."""
    size = np.array(mask.shape[::-1])
    (left, top), (right, bottom) = np.clip(
        [corners.min(axis=0), corners.max(axis=0) + 1], 0, size
    ).tolist()
    room = np.zeros((bottom - top, right - left), np.uint8)
    cv2.fillConvexPoly(room, corners - (left, top), 255)
    ink = np.where(room > 0, mask[top:bottom, left:right], np.uint8(0))
    parts = connected(ink)
    height, width = ink.shape
    inner = np.array([width * EDGE, height * EDGE, width * (1 - EDGE), height * (1 - EDGE)])
    reaches = (parts.boxes[:, 2:] > inner[:2]) & (parts.boxes[:, :2] < inner[2:])
    parts = parts.select(np.asarray(reaches.all(axis=1)))
    if not len(parts) or max(parts.widths.max(), parts.heights.max()) < LEAST * height:
        return Piece(np.zeros_like(ink), left, top)
    parts = parts.select(parts.areas >= SPECK * parts.areas.max())
    return Piece(parts.mask(), left, top)
