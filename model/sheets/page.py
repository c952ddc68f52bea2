"""A line or a page of writing becomes its characters, in reading order."""

from collections.abc import Iterator
from itertools import islice

import numpy as np

from ..card import Recipe
from ..images import BadImage, Grey
from ..ink import stripped
from ..layout import MOST_CHARACTERS, Character
from .glyphs import box_of, to_glyph
from .lines import all_in_line, find_lines
from .paper import Paper, even, without
from .parts import LEAST_SIDE, Parts, find_parts
from .rules import without_rules
from .skew import upright
from .strokes import Group, characters
from .surroundings import around_writing
from .touching import readings
from .words import word_gap, word_numbers


def cut_page(grey: Grey, recipe: Recipe | None, one_line: bool = False) -> list[Character]:
    """The characters on a page, rival readings in groups. Raises BadImage: too many."""
    if min(grey.shape) < LEAST_SIDE:
        return []
    flat = even(grey)
    paper = upright(without(flat, around_writing(flat.mask)))
    parts = find_parts(without_rules(paper.mask))
    rows = [all_in_line(parts)] if one_line else find_lines(parts)
    lines = [characters(row, parts) for row in rows]
    reading = _read(paper, parts, [line for line in lines if line], recipe)
    most = MOST_CHARACTERS["line" if one_line else "page"]
    found = list(islice(reading, most + 1))
    if len(found) > most:
        raise BadImage(f"over {most:,} characters, rival readings included: cut the image in parts")
    return found


def _read(
    paper: Paper, parts: Parts, lines: list[list[Group]], recipe: Recipe | None
) -> Iterator[Character]:
    gap, number = word_gap(lines, parts.tall), 0
    for at, line in enumerate(lines):
        for word, group in zip(word_numbers(line, gap), line, strict=True):
            left, top = group.box[:2]
            for reading, masks in enumerate(ways(group, parts)):
                for mask in masks:
                    tight, across, down = stripped(mask)
                    place = tight, left + across, top + down
                    glyph = to_glyph(paper, *place, recipe)
                    yield Character(glyph, box_of(paper, *place), at, word, number, reading)
            number += 1


def ways(group: Group, parts: Parts) -> list[list[Grey]]:
    """The rival readings of a group: masks in its box, the whole first."""
    if group.halves:
        return [[mask_of(group, parts)], [mask_of(half, parts, group.box) for half in group.halves]]
    return readings(mask_of(group, parts), parts.tall)


def mask_of(group: Group, parts: Parts, box: tuple[int, int, int, int] | None = None) -> Grey:
    """The ink of a group in its box, or another: 255 where it is."""
    left, top, right, bottom = box or group.box
    labels = parts.labels[top:bottom, left:right]
    first, *others = parts.ids[list(group.parts)].tolist()
    own = labels == first
    for each in others:
        own |= labels == each
    return np.where(own, np.uint8(255), np.uint8(0))
