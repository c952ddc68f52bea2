"""How characters lie on an image: one alone, a line, a page, or a grid; and where each was found."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:  # the gateway needs layouts and boxes, but no code for pixels
    from .glyph import Glyph

Kind = Literal["character", "line", "page", "grid"]

MAX_PIXELS = 16_000_000
"""Width times height of the largest image that is read, unless settings say otherwise; a JPEG or a
grey image may have five times as many."""

MOST_CHARACTERS: Mapping[Kind, int] = {"character": 1, "line": 1_000, "page": 10_000, "grid": 10_000}
"""Limits for one image, rival readings included; an image with more is refused."""


class BadLayout(ValueError):
    """No image can have this layout; the text says why."""


@dataclass(frozen=True)
class Layout:
    """A grid has `rows` and `columns`; if they are 0, its ruled cells are looked for."""

    kind: Kind = "character"
    rows: int = 0
    columns: int = 0


def layout_of(kind: Kind, rows: int | None, columns: int | None) -> Layout:
    """The layout that a caller asks for. Raises BadLayout."""
    if (rows is None) != (columns is None):
        raise BadLayout("rows, columns: give both, or neither")
    if rows and kind != "grid":
        raise BadLayout(f"rows, columns: only for the layout grid, not for {kind}")
    layout = Layout(kind, rows or 0, columns or 0)
    if layout.rows * layout.columns > MOST_CHARACTERS["grid"]:
        raise BadLayout(f"rows, columns: at most {MOST_CHARACTERS['grid']:,} cells in all")
    return layout


class Box(NamedTuple):
    """A box in pixels of the image as it is shown (turned as EXIF says), even if the page lies askew."""

    left: int
    top: int
    width: int
    height: int


class Character(NamedTuple):
    """One place on a sheet, in reading order. `line` counts from 0 on the sheet, `word` in its line.

    Where it is unclear whether ink is one character or several that touch, each way to cut it is given:
    characters of one `group` are rivals unless they are of the same `reading`; the network decides.
    """

    glyph: "Glyph"
    box: Box
    line: int
    word: int
    group: int
    reading: int = 0
