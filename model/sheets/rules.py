"""Printed lines of ruled paper, boxes and combs: found by their length, removed from the writing."""

import cv2
import numpy as np

from ..files.images import Grey, as_grey
from ..ink.mask import stroke_width
from ..scaling import odd

LONG = 25
"""A rule is at least this many stroke widths long; no stroke of a character is."""
LEAST_LENGTH = 48


def rule_length(mask: Grey) -> int:
    """How many pixels of straight ink make a rule."""
    return max(LEAST_LENGTH, round(LONG * stroke_width(mask)))


def rules(mask: Grey, length: int, across: bool) -> Grey:
    """The ruled lines of one direction (`across`: horizontal), 255 where they are.

    Paper is assumed beyond the sheet's edge: a stroke that touches it is only as long as what is seen.
    """
    if length > mask.shape[1 if across else 0]:
        return np.zeros_like(mask)
    kernel = np.ones((1, length) if across else (length, 1), np.uint8)
    gap = np.ones((1, 5) if across else (5, 1), np.uint8)
    closed = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, gap)
    long = cv2.morphologyEx(
        closed, cv2.MORPH_OPEN, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0
    )
    return as_grey(long)


def without_rules(mask: Grey) -> Grey:
    """The writing without ruled lines; strokes that cross a line are mended."""
    length = rule_length(mask)
    for across in (True, False):
        lines = rules(mask, length, across)
        if cv2.hasNonZero(lines):
            mask = erase(mask, lines, across)
    return mask


def erase(mask: Grey, lines: Grey, across: bool) -> Grey:
    """`mask` without `lines`, except what lies between ink on both sides of a line."""
    thick = round(stroke_width(lines)) + 2
    around = np.ones((3, 1) if across else (1, 3), np.uint8)
    wide = cv2.bitwise_and(cv2.dilate(lines, around), mask)
    rest = cv2.subtract(mask, wide)
    reach = (odd(thick + 2), 3) if across else (3, odd(thick + 2))
    bridges = cv2.morphologyEx(rest, cv2.MORPH_CLOSE, np.ones(reach, np.uint8))
    mended = cv2.bitwise_or(rest, cv2.bitwise_and(bridges, wide))
    return as_grey(mended)
