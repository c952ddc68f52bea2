"""Grey pixels of any scan become the 28x28 glyph a network was trained on.

EMNIST (Cohen et al. 2017): ink cut out, scaled, centred by its box. MNIST: long side 20, centred by its
mass. An image that already is such a glyph passes unchanged, so that accuracy on a data set and
accuracy of the service are one number.
"""

from collections.abc import Callable

import cv2
import numpy as np

from . import quality
from .card import Recipe
from .finding import cut_out, find
from .glyph import Glyph
from .images import Grey, check_grey, decode
from .ink import border, even_strokes
from .scaling import fit, resize

SIDE = 28
LONG_SIDE = {"emnist": 23.5, "mnist": 20.0}
"""Of the ink in a glyph, where it is half as bright as in the middle of a stroke."""

DARK = 64
"""Most of the border of a glyph is darker."""

FADE = 2
"""Pixels around the ink in which its edges fade, at WORK_SIDE."""


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
    """Grey (h, w) uint8 of any polarity -> (28, 28) uint8, ink bright on dark; blank stays 0.

    `recipe` None only fits it to size. Raises BadImage for an array that is not of this kind.
    """
    check_grey(grey)
    if is_glyph(grey):
        return Glyph(grey)
    if recipe is None:
        return Glyph(resize(grey, SIDE, SIDE))
    found = find(grey)
    flags = quality.flags(*found)
    if not len(found.parts):
        return Glyph(np.zeros((SIDE, SIDE), np.uint8), flags)
    return Glyph(place(even_strokes(cut_out(found)), recipe), flags)


def is_glyph(grey: Grey) -> bool:
    """Whether it is 28x28 with a dark border already."""
    if grey.shape != (SIDE, SIDE):
        return False
    edge = border(grey)
    return 2 * int(np.count_nonzero(edge < DARK)) > len(edge)


def place(ink: Grey, recipe: Recipe) -> Grey:
    """A mask of ink in its box, as long as WORK_SIDE -> the glyph: softened, scaled and centred."""
    framed = cv2.copyMakeBorder(ink, FADE, FADE, FADE, FADE, cv2.BORDER_CONSTANT)
    soft = np.asarray(cv2.blur(framed, (3, 3))).astype(np.uint8, copy=False)
    small = fit(soft, min(SIDE, round(LONG_SIDE[recipe] * max(soft.shape) / max(ink.shape))))
    full = cv2.convertScaleAbs(small, alpha=255 / max(1, int(small.max())))
    return centre(np.asarray(full).astype(np.uint8, copy=False), by_mass=recipe == "mnist")


def centre(small: Grey, by_mass: bool) -> Grey:
    """A 28x28 canvas with `small` in its middle by its box, or by its mass as far as it stays inside."""
    height, width = small.shape
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    if by_mass:
        mass = cv2.moments(small)
        down, right = (mass[each] / (mass["m00"] or 1) for each in ("m01", "m10"))
        top = min(max(0, round((SIDE - 1) / 2 - down)), SIDE - height)
        left = min(max(0, round((SIDE - 1) / 2 - right)), SIDE - width)
    canvas = np.zeros((SIDE, SIDE), np.uint8)
    canvas[top : top + height, left : left + width] = small
    return canvas
