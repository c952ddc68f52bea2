"""Quality flags from pixels and ink that normalization has at hand anyway.

Rules of geometry, each reliable by itself; what only a network can see is left to `screen`.
"""

from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from ..files.images import Grey, as_grey
from ..flags import NONE, Flag
from .mask import mean

PartStats = npt.NDArray[np.int32]
"""(n, 5): left, top, width, height, area of each connected part, as OpenCV counts them."""

LEAST_CONTRAST = 28
"""Ink that differs less from its paper, on average, may be what shows through from the back."""

CUT = 0.15
"""Share of the long side of all ink: only strokes that are cut off leave more ink on the picture's edge;
one that ends there leaves less."""

LEAST_SIDE = 8
"""Pixels; a smaller character has strokes of one pixel, and no shape."""

MOST_PARTS_OF_ONE = 12
"""A character has up to three parts, and as many more as a bad pen breaks it into."""

TALL = 0.6
"""Share of the height of all ink: a part as tall as that may be a character of its own."""

WIDE = 1.25
"""Times the height of all ink: two characters are wider than a single broken one (K, H, M)."""


def flags(ink: Grey, mask: Grey, parts: PartStats) -> Flag:
    """The flags of `ink` (h, w), bright on an even ground; `mask` is 255 on the character, which has
    these `parts`."""
    if not len(parts):
        return Flag.BLANK
    boxes = parts.tolist()
    found = edge(boxes, mask) | shape(boxes)
    return found if contrast(ink, mask) >= LEAST_CONTRAST else found | Flag.LOW_CONTRAST


def contrast(ink: Grey, mask: Grey) -> float:
    """How much brighter than its ground the ink is on average."""
    return mean(as_grey(cv2.bitwise_and(ink, mask)), mask)


def edge(boxes: list[list[int]], mask: Grey) -> Flag:
    """TOUCHES_EDGE if ink runs out of the picture. Opposite sides that both touch ink do not count: the
    picture is cut tight to it."""
    left, top, right, bottom = around(boxes)
    height, width = mask.shape
    length = 0
    if (left <= 0) != (right >= width):
        length += cv2.countNonZero(mask[:, 0 if left <= 0 else -1])
    if (top <= 0) != (bottom >= height):
        length += cv2.countNonZero(mask[0 if top <= 0 else -1])
    return Flag.TOUCHES_EDGE if length > CUT * max(right - left, bottom - top) else NONE


def shape(boxes: list[list[int]]) -> Flag:
    """The flags that follow from the parts' boxes alone: too small, several, or not a character."""
    left, top, right, bottom = around(boxes)
    height = bottom - top
    if max(right - left, height) < LEAST_SIDE:
        return Flag.TOO_SMALL
    found = Flag.NOT_A_CHARACTER if len(boxes) > MOST_PARTS_OF_ONE else NONE
    if right - left > WIDE * height and _side_by_side(boxes, height):
        found |= Flag.SEVERAL_CHARACTERS
    return found


def around(boxes: list[list[int]]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of all the boxes together."""
    return (
        min(box[0] for box in boxes),
        min(box[1] for box in boxes),
        max(box[0] + box[2] for box in boxes),
        max(box[1] + box[3] for box in boxes),
    )


def _side_by_side(boxes: list[list[int]], height: int) -> bool:
    """Whether two tall parts have a gap between them."""
    tall = sorted(box for box in boxes if box[3] >= TALL * height)
    return any(one[0] + one[2] < other[0] for one, other in pairwise(tall))
