"""Grey pixels of any scan become the 28x28 glyph a network was trained on.

EMNIST (Cohen et al. 2017): ink cut out, long side 24, centred by its box. MNIST: long side 20, centred
by its mass. An image that already is such a glyph passes unchanged, so that accuracy on a data set and
accuracy of the service are one number.
"""

import cv2
import numpy as np

from .card import Recipe
from .images import Grey, decode

SIDE = 28
LONG_SIDE = {"emnist": 24, "mnist": 20}
GROUND_SIDE = 32
WORK_SIDE = 96
"""Ink is cleaned and its strokes measured at this size."""

LEAST_CONTRAST = 24
LEAST_SPECK = 0.02
THIN, THICK = 7.0, 15.0
"""Stroke width in WORK_SIDE pixels between which handwriting is left as it is."""


def read_glyph(data: bytes | memoryview, page: int, recipe: Recipe | None, max_pixels: int) -> Grey:
    """The glyph (28, 28) uint8 in an image file; `recipe` None only fits it to size. Raises BadImage."""
    return to_glyph(decode(data, page, max_pixels), recipe)


def to_glyph(grey: Grey, recipe: Recipe | None) -> Grey:
    """Grey (h, w) uint8 of any polarity -> (28, 28) uint8, ink bright on dark; blank stays 0."""
    if is_glyph(grey):
        return grey
    if recipe is None:
        return resize(grey, SIDE, SIDE)
    ink = strip(clean(ink_mask(bright_ink(shrink(grey)))))
    if not ink.size:
        return np.zeros((SIDE, SIDE), np.uint8)
    return place(even_strokes(fit(ink, WORK_SIDE)), recipe)


def is_glyph(grey: Grey) -> bool:
    """Whether it is 28x28 with a dark border already."""
    return grey.shape == (SIDE, SIDE) and float(np.median(border(grey))) < 64


def border(grey: Grey) -> Grey:
    """The outermost pixels, in one row."""
    return np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])


def shrink(grey: Grey) -> Grey:
    """At most 256 on the long side, so that what follows costs the same for any scan."""
    long_side = max(grey.shape)
    if long_side <= 256:
        return grey
    height, width = (max(1, round(side * 256 / long_side)) for side in grey.shape)
    return resize(grey, height, width)


def bright_ink(grey: Grey) -> Grey:
    """Ink bright on a dark ground, whichever way it came, and the light of the ground evened out."""
    if float(np.median(border(grey))) > float(grey.mean()):
        grey = 255 - grey
    return np.asarray(cv2.subtract(grey, ground(grey))).astype(np.uint8, copy=False)


def ground(grey: Grey) -> Grey:
    """The light of the paper under bright ink: strokes opened away, on a small copy as it is smooth."""
    height, width = grey.shape
    small = fit(grey, GROUND_SIDE) if max(grey.shape) > GROUND_SIDE else grey
    kernel = np.ones((odd(max(small.shape) // 3),) * 2, np.uint8)
    opened = cv2.GaussianBlur(cv2.morphologyEx(small, cv2.MORPH_OPEN, kernel), (0, 0), 3)
    whole = cv2.resize(opened, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(whole).astype(np.uint8, copy=False)


def ink_mask(ink: Grey) -> Grey:
    """255 where there is ink (Otsu 1979), 0 elsewhere; nothing where the contrast is too low."""
    if int(ink.max()) < LEAST_CONTRAST:
        return np.zeros_like(ink)
    smooth = cv2.GaussianBlur(ink, (3, 3), 0)
    _, mask = cv2.threshold(smooth, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return np.asarray(mask).astype(np.uint8, copy=False)


def clean(mask: Grey) -> Grey:
    """Without specks: parts much smaller than the largest (the dot of an i is not that small)."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if count <= 2:
        return mask
    areas = stats[1:, cv2.CC_STAT_AREA]
    kept = np.flatnonzero(areas >= LEAST_SPECK * areas.max()) + 1
    return np.where(np.isin(parts, kept), np.uint8(255), np.uint8(0))


def strip(mask: Grey) -> Grey:
    """The box of the ink; empty where there is none."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return mask[:0, :0]
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def fit(ink: Grey, long_side: int) -> Grey:
    """Scaled so that its long side is `long_side`, the aspect kept."""
    height, width = (max(1, round(side * long_side / max(ink.shape))) for side in ink.shape)
    return resize(ink, height, width)


def even_strokes(ink: Grey) -> Grey:
    """Hair-thin strokes thickened, heavy ones thinned, towards the width of the training data."""
    ink = np.where(ink > 127, np.uint8(255), np.uint8(0))
    width = stroke_width(ink)
    if THIN <= width <= THICK:
        return ink
    change = THIN - width if width < THIN else width - THICK
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (odd(round(change)),) * 2)
    changed = cv2.dilate(ink, kernel) if width < THIN else cv2.erode(ink, kernel)
    return strip(np.asarray(changed).astype(np.uint8, copy=False)) if changed.any() else ink


def stroke_width(ink: Grey) -> float:
    """The mean width of the strokes: four times the mean distance of ink to its edge."""
    padded = cv2.copyMakeBorder(ink, 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, 3)
    return 4 * float(distance[padded > 0].mean()) if padded.any() else 0.0


def place(ink: Grey, recipe: Recipe) -> Grey:
    """Ink in its box -> the glyph: softened as scans are, scaled, centred as the recipe says."""
    soft = cv2.GaussianBlur(cv2.copyMakeBorder(ink, 4, 4, 4, 4, cv2.BORDER_CONSTANT), (0, 0), 2.0)
    long_side = round(LONG_SIDE[recipe] * max(soft.shape) / max(ink.shape))
    small = fit(np.asarray(soft).astype(np.uint8, copy=False), long_side)
    small = cv2.normalize(small, np.zeros_like(small), 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    middle = centre_of_mass(small) if recipe == "mnist" else [(side - 1) / 2 for side in small.shape]
    return centre(small, middle)


def centre_of_mass(glyph: Grey) -> list[float]:
    """Row and column of the ink's mean place."""
    weight = glyph.astype(np.float64)
    total = weight.sum() or 1.0
    return [
        float((weight.sum(axis=1 - axis) * np.arange(size)).sum() / total)
        for axis, size in enumerate(glyph.shape)
    ]


def centre(small: Grey, middle: list[float]) -> Grey:
    """A 28x28 canvas with the pixel `middle` of `small` in its middle, as far as it stays inside."""
    canvas = np.zeros((SIDE, SIDE), np.uint8)
    height, width = (min(size, SIDE) for size in small.shape)
    top, left = (
        min(max(0, round((SIDE - 1) / 2 - at)), SIDE - size)
        for at, size in zip(middle, (height, width), strict=True)
    )
    canvas[top : top + height, left : left + width] = small[:height, :width]
    return canvas


def resize(grey: Grey, height: int, width: int) -> Grey:
    """Area averaging downwards, bicubic upwards."""
    smaller = height * width < grey.size
    how = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(grey, (width, height), interpolation=how)).astype(np.uint8, copy=False)


def odd(number: int) -> int:
    """The odd number at or just above, at least 3."""
    return max(3, number | 1)
