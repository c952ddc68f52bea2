"""Grey pixels of a line, a page or a grid become its characters, in reading order."""

import numpy as np

from ..card import Recipe
from ..images import BadImage, Grey
from ..layout import Box, Character, Layout
from ..normalization import normalize
from .page import cut_page


def cut(grey: Grey, recipe: Recipe | None, layout: Layout) -> list[Character]:
    """The characters on `grey` (h, w) uint8, with rival readings (see choosing). Raises BadImage."""
    if layout.kind != "grid":
        return cut_page(grey, recipe)
    return [
        Character(
            normalize(grey[box.top : box.top + box.height, box.left : box.left + box.width], recipe),
            box,
            line,
            word,
            group,
        )
        for group, (box, line, word) in enumerate(_cells(grey, layout))
    ]


def _cells(grey: Grey, layout: Layout) -> list[tuple[Box, int, int]]:
    rows, columns = layout.rows, layout.columns
    if not (rows and columns):
        raise BadImage("no ruled cells are found: say how many there are by rows and columns")
    tops = np.linspace(0, grey.shape[0], rows + 1).round().astype(int).tolist()
    lefts = np.linspace(0, grey.shape[1], columns + 1).round().astype(int).tolist()
    return [
        (Box(lefts[c], tops[r], lefts[c + 1] - lefts[c], tops[r + 1] - tops[r]), r, c)
        for r in range(rows)
        for c in range(columns)
    ]
