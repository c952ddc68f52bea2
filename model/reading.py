"""Both sides of a network: before it image files become glyphs, after it logits become readings.

The worker and `inkqueue read` share these, so that they say the same of the same image.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .card import Recipe
from .images import BadImage, Grey
from .normalization import SIDE, read_glyph

Page = tuple[bytes | memoryview, int]
"""The bytes of an image file, and which page of it is meant (0 but for TIFF)."""


@dataclass(frozen=True)
class Glyphs:
    """The glyphs (n, 28, 28) of the pages that could be read, in order; why others could not, by index."""

    images: Grey
    failures: dict[int, BadImage]


@dataclass(frozen=True)
class Reading:
    """The likeliest classes of one image, best first, and their probabilities."""

    classes: tuple[int, ...]
    probabilities: tuple[float, ...]


def read_glyphs(pages: Iterable[Page], recipe: Recipe | None, max_pixels: int) -> Glyphs:
    """Decode and normalise; a page that cannot be read fails alone."""
    glyphs: list[Grey] = []
    failures: dict[int, BadImage] = {}
    for index, (data, page) in enumerate(pages):
        try:
            glyphs.append(read_glyph(data, page, recipe, max_pixels))
        except BadImage as error:
            failures[index] = error
    images = np.stack(glyphs) if glyphs else np.zeros((0, SIDE, SIDE), np.uint8)
    return Glyphs(images, failures)


def likeliest(probabilities: npt.NDArray[np.float32], k: int) -> Sequence[Reading]:
    """The k best classes of each row (n, classes); of equals, the first class."""
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :k]
    values = np.take_along_axis(probabilities, best, axis=1)
    rows = zip(best.tolist(), values.tolist(), strict=True)
    return [Reading(tuple(classes), tuple(likely)) for classes, likely in rows]
