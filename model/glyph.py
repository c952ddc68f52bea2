"""A glyph: what a network is shown of a character, and its quality flags.

Image files become glyphs by `ink.normalization`; an array holds glyphs already, of either polarity.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .flags import NONE, Flag

Pixels = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]

SIDE = 28

LEAST_CONTRAST = 20
"""Of 255: what differs less from its paper is not ink."""

MIDDLE = 128
"""A pixel is bright from here on."""

_INDICES = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
BORDER = np.concatenate([_INDICES[0], _INDICES[-1], _INDICES[:, 0], _INDICES[:, -1]])
"""The indices of the border among the pixels of a glyph, in one row; the corners are there twice."""


class Glyph(NamedTuple):
    """`pixels` are (28, 28) uint8, ink bright on dark."""

    pixels: Pixels
    flags: Flag = NONE


def bright_on_dark(images: Pixels) -> Pixels:
    """(n, 28, 28) uint8 of either polarity -> the same with bright ink: those with a mostly bright
    border, which no character of EMNIST or MNIST has, are inverted."""
    inverted = is_dark_on_bright(images)
    return np.where(inverted[:, None, None], 255 - images, images) if inverted.any() else images


def is_dark_on_bright(images: Pixels) -> Bools:
    """(n, 28, 28) uint8 -> (n,): whether most of an image's border is bright."""
    bright = np.count_nonzero(_rows(images).take(BORDER, 1) >= MIDDLE, 1)
    dark_ink: Bools = 2 * bright > len(BORDER)
    return dark_ink


def is_blank(images: Pixels) -> Bools:
    """(n, 28, 28) uint8 -> (n,): whether an image shows nothing."""
    rows = _rows(images)
    blank: Bools = rows.max(1) - rows.min(1) < LEAST_CONTRAST
    return blank


def _rows(images: Pixels) -> Pixels:
    return images.reshape(len(images), SIDE * SIDE)
