"""Cuts a line or a page of writing into its characters, in reading order."""

from collections.abc import Iterator
from itertools import islice

import numpy as np

from ..card import Normalization
from ..files.images import BadImage, Grey
from ..flags import Flag
from ..glyph import Glyph
from ..layout import MOST_CHARACTERS, Character
from .glyphs import Piece, box_of, to_glyph
from .lines import all_in_line, find_lines
from .paper import Paper, even, without
from .parts import LEAST_HEIGHT, LEAST_SIDE, Parts, find_parts, without_specks
from .rules import without_rules
from .skew import upright
from .strokes import Group, characters, height_of
from .surroundings import around_writing
from .touching import readings
from .words import word_gap, word_numbers

FEW = 3
"""Specks that any page may have."""
LEAST_LEFT = 0.1
"""In heights of the writing: what is left out and lower than this is dust."""


def cut_page(grey: Grey, normalization: Normalization | None, one_line: bool) -> list[Character]:
    """The characters on a page, rival readings in groups. Raises BadImage if they are too many."""
    if min(grey.shape) < LEAST_SIDE:
        return []
    flat = even(grey)
    paper = upright(without(flat, around_writing(flat.mask)))
    inked = find_parts(without_rules(paper.mask))
    parts = without_specks(inked)
    rows = [all_in_line(parts)] if one_line else find_lines(parts)
    written = [(height_of(row, parts), row) for row in rows]
    lines = [(tall, characters(row, parts, tall)) for tall, row in written]
    reading = _read(paper, parts, [each for each in lines if each[1]], normalization)
    most = MOST_CHARACTERS["line" if one_line else "page"]
    found = list(islice(reading, most + 1))
    if len(found) > most:
        raise BadImage(f"over {most:,} characters, rival readings included: cut the image into parts")
    return in_doubt(found) if much_left_out(inked, parts, [line for _, line in lines]) else found


def much_left_out(inked: Parts, parts: Parts, lines: list[list[Group]]) -> bool:
    """Whether more writing was left out as too small than is read, which then may be only a heading."""
    groups = [group for line in lines for group in line]
    read = np.isin(inked.ids, parts.ids[[part for group in groups for part in group.parts]])
    high = inked.heights >= max(LEAST_HEIGHT, LEAST_LEFT * parts.tall)
    left = inked.select(high & ~read & ~inked.beside(read))
    return len(left) > max(FEW, len(groups)) and left.is_dense


def in_doubt(found: list[Character]) -> list[Character]:
    """`found`, each character flagged TOO_SMALL: there is more writing than can be read."""
    glyphs = [Glyph(each.glyph.pixels, each.glyph.flags | Flag.TOO_SMALL) for each in found]
    return [each._replace(glyph=glyph) for each, glyph in zip(found, glyphs, strict=True)]


def _read(
    paper: Paper,
    parts: Parts,
    lines: list[tuple[float, list[Group]]],
    normalization: Normalization | None,
) -> Iterator[Character]:
    """The characters of `lines`, each of which comes with the height of its writing."""
    talls = {tall for tall, _ in lines}
    gaps = {tall: word_gap([line for other, line in lines if other == tall], tall) for tall in talls}
    number = 0
    for at, (tall, line) in enumerate(lines):
        for word, group in zip(word_numbers(line, gaps[tall]), line, strict=True):
            for reading, pieces in enumerate(rivals(group, parts, tall)):
                for piece in pieces:
                    glyph = to_glyph(paper, piece, normalization)
                    yield Character(glyph, box_of(paper, piece), at, word, number, reading)
            number += 1


def rivals(group: Group, parts: Parts, tall: float) -> list[list[Piece]]:
    """The rival readings of a group, each in pieces from left to right; the whole first."""
    left, top, _, _ = group.box
    whole = mask_of(group, parts)
    if group.halves:
        masks = [[whole], [mask_of(half, parts, group.box) for half in group.halves]]
    else:
        masks = readings(whole, tall)
    return [[Piece(mask, left, top).tight() for mask in reading] for reading in masks]


def mask_of(group: Group, parts: Parts, box: tuple[int, int, int, int] | None = None) -> Grey:
    """The ink of a group in its box, or in another `box`: 255 where it is."""
    left, top, right, bottom = box or group.box
    labels = parts.labels[top:bottom, left:right]
    first, *others = parts.ids[list(group.parts)].tolist()
    own = labels == first
    for each in others:
        own |= labels == each
    return np.where(own, np.uint8(255), np.uint8(0))
