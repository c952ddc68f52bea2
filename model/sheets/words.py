"""Which gaps between the characters of a sheet separate words."""

from collections.abc import Sequence
from itertools import accumulate

import cv2
import numpy as np

from .strokes import Group

MOST = 2.0
"""In heights of the writing: wider gaps count as this wide."""
LEAST = 0.4
"""In heights of the writing: no narrower gap separates words."""
APART = 2.0
"""How many times as wide as gaps within words those between them are; else each line is one word."""


def word_gap(lines: Sequence[Sequence[Group]], tall: float) -> float:
    """The least width of a gap that separates words, in pixels: Otsu's level, as for ink and paper."""
    gaps = np.array([max(0, gap) for line in lines for gap in gaps_of(line)])
    if not len(gaps):
        return tall
    steps = np.clip(gaps / (MOST * tall) * 255, 0, 255).astype(np.uint8)
    level, _ = cv2.threshold(steps, 0, 255, cv2.THRESH_OTSU)
    low, high = steps[steps <= level], steps[steps > level]
    if not (len(low) and len(high)) or high.mean() < APART * low.mean() + 0.1 * 255 / MOST:
        return max(tall, 1.5 * float(gaps.max()))  # wider than any gap
    return max(LEAST * tall, (level + 1) / 255 * MOST * tall)


def gaps_of(line: Sequence[Group]) -> list[int]:
    """The gap between each character and those before it, in pixels; negative where they overlap."""
    rights = accumulate((each.box[2] for each in line), max)
    return [after.box[0] - right for right, after in zip(rights, line[1:], strict=False)]


def word_numbers(line: Sequence[Group], gap: float) -> list[int]:
    """The number of each character's word in a line that is not empty, counted from 0."""
    return list(accumulate((each >= gap for each in gaps_of(line)), initial=0))
