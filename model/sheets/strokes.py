"""Parts that are one character: dots over their stems, strokes that a pen has broken."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .parts import Parts

OVER = 0.5
"""Of the narrower part's width: how much of it lies over the other where both are one character."""
HIGH = 1.7
"""Of the height of the writing: no character with its dots is higher."""
SMALL = 0.5
"""Of the height of the writing: a part this small may be a bit of its neighbour."""
CLOSE = 0.12
"""Of the height of the writing: the gap that a pen leaves within a stroke."""
WIDE = 1.1
"""Of the height of the writing: no broken character is wider."""
LEAST = 0.2
"""Of the height of the writing: what is lower and narrower by itself is no character."""


@dataclass(frozen=True)
class Group:
    """Parts (indices) that are one character, and their box: left, top, right, bottom."""

    parts: tuple[int, ...]
    box: tuple[int, int, int, int]

    @property
    def width(self) -> int:
        return self.box[2] - self.box[0]

    @property
    def height(self) -> int:
        return self.box[3] - self.box[1]

    def __or__(self, other: "Group") -> "Group":
        ends = np.array([self.box, other.box])
        low, high = ends[:, :2].min(axis=0), ends[:, 2:].max(axis=0)
        return Group(self.parts + other.parts, (*low.tolist(), *high.tolist()))


def characters(line: Sequence[int], parts: Parts) -> list[Group]:
    """The characters of a line, from left to right."""
    groups: list[Group] = []
    for index in line:
        group = Group((index,), tuple(parts.boxes[index].tolist()))
        for at in range(len(groups) - 1, max(-1, len(groups) - 4), -1):
            if one_character(groups[at], group, parts.tall):
                group = groups.pop(at) | group
        groups.append(group)
    groups.sort(key=lambda each: each.box[0] + each.box[2])
    return [each for each in groups if max(each.width, each.height) >= LEAST * parts.tall]


def one_character(one: Group, other: Group, tall: float) -> bool:
    """Whether two groups are one: over each other, or a small one close to another."""
    both = one | other
    if both.height > HIGH * tall:
        return False
    gap = max(one.box[0], other.box[0]) - min(one.box[2], other.box[2])
    if -gap >= OVER * min(one.width, other.width):
        return True
    small = min(max(one.width, one.height), max(other.width, other.height)) < SMALL * tall
    return small and gap < CLOSE * tall and both.width < WIDE * tall
