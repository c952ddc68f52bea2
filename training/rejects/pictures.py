"""Pictures as users send them: ink with paper around it, photographed, at any resolution, as a file."""

import cv2
import numpy as np

from model.files.images import Grey, png
from model.ink.mask import strip
from model.scaling import resize

from ..photograph import enlarge, on_paper, with_pen

Rng = np.random.Generator

LEAST_SIDE = 14
"""The least long side of the ink in pixels; what is smaller is flagged as such."""


def character(pool: Grey, rng: Rng) -> Grey:
    """A random glyph of `pool` (n, 28, 28), written by another hand and pen: its ink, in its box."""
    return written(pool[rng.integers(len(pool))], rng)


def written(glyph: Grey, rng: Rng) -> Grey:
    """The ink of `glyph`, written by another hand and pen, in its box."""
    ink = with_pen(enlarge(glyph, rng), rng)
    return strip(np.where(ink > 40, ink, np.uint8(0)))


def margins(ink: Grey, rng: Rng, cut: str = "") -> Grey:
    """Paper around the ink: up to 0.6 of its long side on each side, none on those `cut` (of tblr)."""
    sizes = rng.uniform(0.05, 0.6, 4) * max(*ink.shape, 8)
    top, bottom, left, right = (
        0 if side in cut else max(3, round(size)) for side, size in zip("tblr", sizes, strict=True)
    )
    return np.pad(ink, ((top, bottom), (left, right)))


def photograph(ink: Grey, rng: Rng) -> Grey:
    """Ink (h, w) on paper, often at a lower resolution; now and then light on dark."""
    photo = on_paper(ink, rng)
    photo = 255 - photo if rng.random() < 0.1 else photo
    long_side = max(*strip(ink).shape, LEAST_SIDE)
    scale = np.exp(rng.uniform(np.log(LEAST_SIDE / long_side), 0))
    height, width = (max(2, round(side * scale)) for side in photo.shape)
    return resize(photo, height, width)


def file_of(picture: Grey, rng: Rng) -> bytes:
    """The picture as an image file: PNG, or JPEG of some quality."""
    if rng.random() < 0.5:
        return png(picture)
    quality = int(rng.integers(60, 96))
    return bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1])
