"""Ink that is bright on black becomes a mask; strokes become as wide as those of the training data."""

from functools import cache
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from ..files.images import Grey, as_grey
from ..glyph import LEAST_CONTRAST

Floats = npt.NDArray[np.float32]
Number = TypeVar("Number", bound=np.generic)

WORK_SIDE = 56
"""Long side, in pixels, of the ink when its strokes are measured."""

FRAME = 6
"""Pixels of paper around that ink, into which strokes may be thickened and softened."""

THIN, THICK = 7.6, 10.5
"""Strokes of that ink are thickened below the first width and thinned above the second, in pixels; the
middle half of EMNIST's is 7.5 to 10 wide."""

STEP = 0.955
"""The least distance between two pixels (see `distances`)."""


def sides(pixels: npt.NDArray[Number]) -> list[npt.NDArray[Number]]:
    """The outermost pixels of each side."""
    return [pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]


def border(grey: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """The outermost pixels, in one row; those of the corners twice."""
    return np.concatenate(sides(grey))


def ink_mask(ink: Grey) -> Grey:
    """255 where there is ink (Otsu 1979), 0 elsewhere; nothing where the contrast is too low."""
    smooth = cv2.GaussianBlur(ink, (3, 3), 0)
    if cv2.minMaxLoc(smooth)[1] < LEAST_CONTRAST:
        return np.zeros_like(ink)
    _, mask = cv2.threshold(smooth, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return as_grey(mask)


def stroke_mask(ink: Grey) -> Grey:
    """`ink_mask` of few strokes on much paper: Otsu's level of what is not paper."""
    smooth = cv2.GaussianBlur(ink, (3, 3), 0)
    level, _ = cv2.threshold(smooth[smooth >= LEAST_CONTRAST], 0, 255, cv2.THRESH_OTSU)
    _, mask = cv2.threshold(smooth, max(level, LEAST_CONTRAST), 255, cv2.THRESH_BINARY)
    return as_grey(mask)


@cache
def square(side: int) -> Grey:
    """A kernel for morphology."""
    return np.ones((side, side), np.uint8)


def strip(mask: Grey) -> Grey:
    """`mask` cut to the box of its ink; empty if there is none."""
    return stripped(mask)[0]


def stripped(mask: Grey) -> tuple[Grey, int, int]:
    """`mask` cut to the box of its ink, and the left and top of that box."""
    left, top, width, height = cv2.boundingRect(mask)
    return mask[top : top + height, left : left + width], left, top


def even_strokes(ink: Grey) -> Grey:
    """A mask `WORK_SIDE` long, in its frame, with thin strokes thickened and heavy ones thinned."""
    depth = distances(ink)
    width = 4 * mean(depth, ink)
    if THIN - 2 * STEP < width < THICK + 2 * STEP:  # less than a pixel on either side
        return ink
    if width < THIN:
        return ~farther(distances(~ink), (THIN - width) / 2)
    if width > THICK and cv2.hasNonZero(thinned := farther(depth, (width - THICK) / 2)):
        return thinned
    return ink


def stroke_width(ink: Grey) -> float:
    """The mean width of strokes: 4 times the mean distance to paper, which also surrounds `ink`."""
    framed = as_grey(cv2.copyMakeBorder(ink, 1, 1, 1, 1, cv2.BORDER_CONSTANT))
    return 4 * mean(distances(framed), framed)


def mean(values: Grey | Floats, mask: Grey) -> float:
    """The mean of `values`, which are 0 outside of `mask`, within it: the same to the last bit as
    cv2.mean(values, mask), which takes twice the time."""
    return cv2.sumElems(values)[0] * (1 / max(1, cv2.countNonZero(mask)))


def distances(mask: Grey) -> Floats:
    """The distance from every pixel to the nearest 0."""
    return np.asarray(cv2.distanceTransform(mask, cv2.DIST_L2, 3)).astype(np.float32, copy=False)


def farther(distance: Floats, level: float) -> Grey:
    """255 where `distance` is greater than `level`."""
    return (distance > level).view(np.uint8) * np.uint8(255)
