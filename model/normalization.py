"""Grey pixels of any scan become the 28x28 glyph a network was trained on.

EMNIST (Cohen et al. 2017): ink cut out, long side 24, centred by its box. MNIST: long side 20, centred
by its mass. An image that already is such a glyph passes unchanged, so that accuracy on a data set and
accuracy of the service are one number.
"""

from collections.abc import Callable

import cv2
import numpy as np

from .card import Recipe
from .flags import Flag
from .glyph import Glyph
from .images import Grey, decode
from .ink import border, bright_ink, clean, even_strokes, ink_mask, strip
from .scaling import fit, resize, shrink

SIDE = 28
LONG_SIDE = {"emnist": 24, "mnist": 20}
WORK_SIDE = 96
"""Strokes are measured where the ink is this high or wide."""


def read_glyph(
    data: bytes | memoryview,
    recipe: Recipe | None,
    max_pixels: int,
    expect: Callable[[int], None] = lambda pixels: None,
) -> Grey:
    """The glyph (28, 28) uint8 in an image file; `recipe` None only fits it to size. Raises BadImage.

    `expect` is told how many pixels there will be, before any is decoded.
    """
    return to_glyph(decode(data, max_pixels, expect), recipe)


def to_glyph(grey: Grey, recipe: Recipe | None) -> Grey:
    """The pixels of `normalize`."""
    return normalize(grey, recipe).pixels


def normalize(grey: Grey, recipe: Recipe | None) -> Glyph:
    """Grey (h, w) uint8 of any polarity -> (28, 28) uint8, ink bright on dark; blank stays 0."""
    if is_glyph(grey):
        return Glyph(grey)
    if recipe is None:
        return Glyph(resize(grey, SIDE, SIDE))
    ink = strip(clean(ink_mask(bright_ink(shrink(grey)))))
    if not ink.size:
        return Glyph(np.zeros((SIDE, SIDE), np.uint8), Flag.BLANK)
    return Glyph(place(even_strokes(fit(ink, WORK_SIDE)), recipe))


def is_glyph(grey: Grey) -> bool:
    """Whether it is 28x28 with a dark border already."""
    return grey.shape == (SIDE, SIDE) and float(np.median(border(grey))) < 64


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
