"""Removes lines that are not writing: ruled lines and edges of boxes, from side to side of a picture."""

from collections.abc import Sequence

import cv2
import numpy as np

from ..files.images import Grey, as_grey
from .mask import border

SPAN = 0.9
"""Share of the picture's side: a line is at least this long."""

THICKEST = 0.16
"""Share of the other side: what is thicker, or rises by more, is not a line."""

LEAST_REST = 0.2
"""Share of the picture's long side: if less is left without the lines, they were strokes."""

RIM = 0.04
"""Share of the long side: if what is left comes this near to the edge, the picture is cut tight to its
ink, and the lines are strokes, too."""


def without_lines(mask: Grey) -> Grey:
    """`mask` without such lines, crossing strokes mended; unchanged if hardly any ink would be left."""
    if not border(mask).any():
        return mask
    found = cv2.bitwise_or(lines(mask), lines(mask.T).T)
    if not cv2.hasNonZero(found):
        return mask
    rest = cv2.subtract(mask, found)
    closed = cv2.morphologyEx(rest, cv2.MORPH_CLOSE, np.ones((7, 3), np.uint8))
    mended = cv2.bitwise_or(rest, cv2.bitwise_and(closed, mask))
    _, _, stats, _ = cv2.connectedComponentsWithStats(mended, connectivity=8, ltype=cv2.CV_16U)
    if len(stats) < 2 or not stands_alone(stats[1 + stats[1:, 4].argmax()].tolist(), mask.shape):
        return mask
    return as_grey(mended)


def stands_alone(part: Sequence[int], shape: tuple[int, ...]) -> bool:
    """Whether a part (left, top, width, height, area) is large, and has paper around it."""
    left, top, width, height, _ = part
    rims = left, top, shape[1] - left - width, shape[0] - top - height
    return max(width, height) >= LEAST_REST * max(shape) and min(rims) > RIM * max(shape)


def lines(mask: Grey) -> Grey:
    """255 where a line runs across, from left to right."""
    height, width = mask.shape
    thick = cv2.dilate(mask, np.ones((3, 1), np.uint8))
    long = cv2.morphologyEx(thick, cv2.MORPH_OPEN, np.ones((1, max(5, width // 3)), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(long, connectivity=8, ltype=cv2.CV_16U)
    across = (stats[:, 2] >= SPAN * width) & (stats[:, 3] <= max(4, THICKEST * height))
    across[0] = False
    found: Grey = np.where(across, np.uint8(255), np.uint8(0))[labels]
    return found
