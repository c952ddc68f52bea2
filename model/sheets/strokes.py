"""Joins parts that are one character: dots and their stems, strokes that a pen has broken."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .parts import HEADING, Parts

OVER = 0.5
"""Share of the narrower part's width: if so much lies over the other, both are one character."""
HIGH = 1.7
"""In heights of the writing: no character, with its dots, is higher."""
SMALL = 0.5
"""In heights of the writing: a part smaller than this may be a bit of its neighbour."""
CLOSE = 0.2
"""In heights of the writing: the gap between parts of one character is smaller than this."""
LOW = 0.45
"""Share of a character's height: a part lower than this, over or under its end, is a bar of it."""
WIDE = 1.4
"""In heights of the writing: no broken character is wider."""
BROKEN = 0.08
"""In heights of the writing: two parts this close are one broken character, or two."""
HIGHEST = 5.0
"""In heights of the writing: what is higher is a drawing, or a frame."""
REACH = 4.0
"""In heights of the writing: a part that begins further to the left is not looked at again."""
LEAST = 0.3
"""In heights of the writing: what is lower and narrower, and by itself, is not a character."""


@dataclass(frozen=True)
class Group:
    """Parts (indices) that are one character, and their box: left, top, right, bottom; `halves` if they
    may be two."""

    parts: tuple[int, ...]
    box: tuple[int, int, int, int]
    halves: tuple["Group", ...] = ()

    @property
    def width(self) -> int:
        return self.box[2] - self.box[0]

    @property
    def height(self) -> int:
        return self.box[3] - self.box[1]

    def __or__(self, other: "Group") -> "Group":
        left, top, right, bottom = zip(self.box, other.box, strict=True)
        box = min(left), min(top), max(right), max(bottom)
        return Group(self.parts + other.parts, box)


def height_of(line: Sequence[int], parts: Parts) -> float:
    """The height of the writing in a line: its own if it is a heading, else that of the sheet."""
    own = parts.select(np.array(line, np.int32)).tall
    return own if own > HEADING * parts.tall else parts.tall


def characters(line: Sequence[int], parts: Parts, tall: float) -> list[Group]:
    """The characters of a line, from left to right: made of large parts first, which small ones join."""
    sides = np.maximum(parts.widths, parts.heights)
    small = sides < SMALL * tall
    groups: list[Group] = []
    for index in sorted(line, key=lambda each: bool(small[each])):
        group = Group((index,), tuple(parts.boxes[index].tolist()))
        for other in near(group, groups, tall)[: 1 if small[index] else None]:
            groups.remove(other)
            group = group | other
        insort(groups, group, key=_left)
    groups.sort(key=lambda each: each.box[0] + each.box[2])
    return with_broken([each for each in groups if may_be_character(each, tall)], tall)


def may_be_character(group: Group, tall: float) -> bool:
    """Whether it is neither a speck nor a drawing."""
    return max(group.width, group.height) >= LEAST * tall and group.height <= HIGHEST * tall


def near(group: Group, groups: Sequence[Group], tall: float) -> list[Group]:
    """Those of `groups` (sorted by left end) that are one character with `group`, nearest first."""
    first = bisect_left(groups, group.box[0] - REACH * tall, key=_left)
    last = bisect_right(groups, group.box[2] + CLOSE * tall, key=_left)
    found = [each for each in groups[first:last] if one_character(each, group, tall)]
    return sorted(found, key=lambda each: distance(each, group))


def _left(group: Group) -> int:
    return group.box[0]


def distance(one: Group, other: Group) -> float:
    """Pixels between the boxes of two groups."""
    down = max(one.box[1], other.box[1]) - min(one.box[3], other.box[3])
    return float(np.hypot(max(0, gap_between(one, other)), max(0, down)))


def one_character(one: Group, other: Group, tall: float) -> bool:
    """Whether two groups are one: over each other, or one of them a bit close to the other."""
    both = one | other
    gap = gap_between(one, other)
    if both.height > HIGH * tall or gap >= CLOSE * tall:
        return False
    if -gap >= OVER * min(one.width, other.width):
        return True
    low = min(one.height, other.height) < LOW * both.height
    small = min(max(one.width, one.height), max(other.width, other.height)) < SMALL * tall
    return (small or (low and gap <= 0)) and both.width < WIDE * tall


def gap_between(one: Group, other: Group) -> int:
    """Columns without ink between two groups; negative where they overlap."""
    return max(one.box[0], other.box[0]) - min(one.box[2], other.box[2])


def with_broken(groups: Sequence[Group], tall: float) -> list[Group]:
    """The groups of a line; two that almost touch become one, which keeps them as its `halves`."""
    found: list[Group] = []
    for group in groups:
        last = found[-1] if found else None
        if last and not last.halves and may_be_one(last, group, tall):
            both = last | group
            found[-1] = Group(both.parts, both.box, (last, group))
        else:
            found.append(group)
    return found


def may_be_one(one: Group, other: Group, tall: float) -> bool:
    """Whether two groups are so close, and together so narrow, that they may be one character."""
    both = one | other
    near = gap_between(one, other) < BROKEN * tall
    return near and both.width < WIDE * tall and both.height < WIDE * tall
