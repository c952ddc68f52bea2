"""Cuts grey pixels of a line, a page or a grid into characters: the entry point of this package."""

from ..card import Normalization
from ..files.images import Grey
from ..layout import Character, Layout
from .grid import cut_grid
from .page import cut_page


def cut(grey: Grey, normalization: Normalization | None, layout: Layout) -> list[Character]:
    """The characters on `grey` (h, w) uint8 in reading order, rival readings in groups (see choosing).

    Glyphs are made by `normalization`; None only resizes the ink. Raises BadImage.
    """
    if layout.kind == "grid":
        return cut_grid(grey, normalization, layout)
    return cut_page(grey, normalization, one_line=layout.kind == "line")
