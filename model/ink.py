"""Ink that is bright on black becomes a mask; strokes become as wide as those of the training data."""

import cv2
import numpy as np
import numpy.typing as npt

from .images import Grey

Floats = npt.NDArray[np.float32]

LEAST_CONTRAST = 20
"""Of 255: what differs less from its paper is no ink."""

WORK_SIDE = 56
"""Strokes are measured where the ink is this high or wide."""

THIN, THICK = 7.6, 10.5
"""Stroke width there, between which handwriting is left as it is; EMNIST's middle half is 7.5 to 10."""


def border(grey: Grey) -> Grey:
    """The outermost pixels, in one row."""
    return np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])


def ink_mask(ink: Grey) -> Grey:
    """255 where there is ink (Otsu 1979), 0 elsewhere; nothing where the contrast is too low."""
    smooth = cv2.GaussianBlur(ink, (3, 3), 0)
    if cv2.minMaxLoc(smooth)[1] < LEAST_CONTRAST:
        return np.zeros_like(ink)
    _, mask = cv2.threshold(smooth, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return np.asarray(mask).astype(np.uint8, copy=False)


def strip(mask: Grey) -> Grey:
    """The box of the ink; empty where there is none."""
    left, top, width, height = cv2.boundingRect(mask)
    return mask[top : top + height, left : left + width]


def even_strokes(ink: Grey) -> Grey:
    """A mask `WORK_SIDE` long with thin strokes thickened, heavy ones thinned; stripped."""
    inside = depth(ink)
    width = 4 * cv2.mean(inside, ink)[0]
    if width < THIN:
        return strip(thicken(ink, (THIN - width) / 2))
    if width > THICK and cv2.hasNonZero(thinned := above(inside, (width - THICK) / 2)):
        return strip(thinned)
    return strip(ink)


def thicken(ink: Grey, by: float) -> Grey:
    """The mask with `by` pixels more around it, in a frame that they need."""
    frame = (int(by) + 1,) * 4
    paper = cv2.copyMakeBorder(cv2.bitwise_not(ink), *frame, cv2.BORDER_CONSTANT, value=(255,))
    return ~above(distances(np.asarray(paper).astype(np.uint8, copy=False)), by)


def stroke_width(ink: Grey) -> float:
    """The mean width of the strokes, with a pixel of paper on each side: 4 mean distances to it."""
    return 4 * cv2.mean(depth(ink), ink)[0]


def depth(ink: Grey) -> Floats:
    """How many pixels it is from each to the next without ink, which lies outside the picture, too."""
    framed = cv2.copyMakeBorder(ink, 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    return distances(np.asarray(framed).astype(np.uint8, copy=False))[1:-1, 1:-1]


def distances(mask: Grey) -> Floats:
    """From every pixel to the next that is 0."""
    return np.asarray(cv2.distanceTransform(mask, cv2.DIST_L2, 3)).astype(np.float32, copy=False)


def above(distance: Floats, level: float) -> Grey:
    """255 where the distance is greater."""
    return (distance > level).view(np.uint8) * np.uint8(255)
