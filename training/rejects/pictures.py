"""Ink becomes a picture, as a scanner or a phone takes it; characters of a pool become ink again."""

import cv2
import numpy as np
import numpy.typing as npt

from model.images import Grey
from model.ink import strip

Rng = np.random.Generator


def character(pool: Grey, rng: Rng) -> Grey:
    """A random glyph of `pool` (n, 28, 28) as the ink of a pen: in its box, 30 to 110 pixels long."""
    glyph = pool[rng.integers(len(pool))]
    return enlarged(glyph, rng.uniform(30, 110), rng)


def enlarged(glyph: Grey, long_side: float, rng: Rng) -> Grey:
    """The ink of a glyph in its box; its soft edge is made sharp at a level that makes the pen."""
    large = cv2.resize(glyph, None, fx=long_side / 28, fy=long_side / 28, interpolation=cv2.INTER_CUBIC)
    sharp = (np.asarray(large).astype(np.float32) - rng.uniform(60, 150)) * 4 + 128
    sharp = np.clip(sharp, 0, 255).astype(np.uint8)
    return strip(np.where(sharp > 40, sharp, np.uint8(0)))


def margins(ink: Grey, rng: Rng, cut: str = "") -> Grey:
    """Paper round the ink: up to its own size on each side, none on the sides that are `cut` (tblr)."""
    sizes = rng.uniform(0.05, 0.6, 4) * max(*ink.shape, 8)
    top, bottom, left, right = (
        0 if side in cut else max(2, round(size)) for side, size in zip("tblr", sizes, strict=True)
    )
    return np.pad(ink, ((top, bottom), (left, right)))


def photograph(ink: Grey, rng: Rng) -> Grey:
    """Dark ink on paper, or now and then the reverse: uneven light, a little blur, grain."""
    paper = rng.uniform(130, 250)
    pen = paper - rng.uniform(60, 0.95 * paper)
    soft = cv2.GaussianBlur(ink, (0, 0), rng.uniform(0.3, 1.2))
    picture = paper + (pen - paper) * (np.asarray(soft) / 255.0)
    picture = picture * light(ink.shape, rng) + rng.normal(0, rng.uniform(0, 5), ink.shape)
    picture = 255 - picture if rng.random() < 0.1 else picture
    taken: Grey = np.clip(picture, 0, 255).astype(np.uint8)
    return taken


def light(shape: tuple[int, ...], rng: Rng) -> npt.NDArray[np.float64]:
    """How much light falls where: a slope of up to a quarter."""
    down, right = rng.uniform(-0.125, 0.125, 2)
    rows, columns = np.linspace(-1, 1, shape[0])[:, None], np.linspace(-1, 1, shape[1])[None]
    falling: npt.NDArray[np.float64] = 1 + down * rows + right * columns
    return falling


def file_of(picture: Grey, rng: Rng) -> bytes:
    """The picture as an image file: PNG, or JPEG of some quality."""
    if rng.random() < 0.5:
        return bytes(cv2.imencode(".png", picture)[1])
    quality = int(rng.integers(60, 96))
    return bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1])
