"""Grey pixels of a scan become a clean mask of its ink: light evened, specks gone, strokes evened."""

import cv2
import numpy as np

from .images import Grey
from .scaling import fit, odd

GROUND_SIDE = 32
"""The light of the paper is measured on a copy of this size."""

LEAST_CONTRAST = 24
LEAST_SPECK = 0.02
THIN, THICK = 7.0, 15.0
"""Stroke width, where the ink is 96 high, between which handwriting is left as it is."""


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


def border(grey: Grey) -> Grey:
    """The outermost pixels, in one row."""
    return np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])


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
