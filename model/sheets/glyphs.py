"""One character's ink on a sheet becomes a glyph, by the steps that a single character goes through."""

import cv2
import numpy as np
import numpy.typing as npt

from .. import quality
from ..card import Recipe
from ..flags import Flag
from ..glyph import Glyph
from ..images import Grey
from ..ink import even_strokes, strip
from ..layout import Box
from ..normalization import SIDE, WORK_SIDE, place
from ..scaling import fit, resize
from .paper import Paper, above

EDGE = 1
"""Pixels around the ink of a character in which its strokes fade."""


def to_glyph(paper: Paper, mask: Grey, left: int, top: int, recipe: Recipe | None) -> Glyph:
    """What `mask` (h, w) shows of the ink at `left`, `top`, which is its box; all 0 is blank."""
    if not mask.any():
        return Glyph(np.zeros((SIDE, SIDE), np.uint8), Flag.BLANK)
    ink, own = framed(paper, mask, left, top)
    stats = cv2.connectedComponentsWithStats(own, connectivity=8, ltype=cv2.CV_32S)[2]
    flags = quality.flags(ink, own, np.asarray(stats)[1:].astype(np.int32, copy=False))
    soft = softened(ink, own, paper.level)
    if recipe is None:
        return Glyph(resize(soft, SIDE, SIDE), flags)
    return Glyph(place(even_strokes(strip(above(fit(soft, WORK_SIDE), 127))), recipe), flags)


def framed(paper: Paper, mask: Grey, left: int, top: int) -> tuple[Grey, Grey]:
    """The ink at the place of `mask` and the mask, both with the pixels around as far as there are."""
    height, width = mask.shape
    begin, start = max(0, top - EDGE), max(0, left - EDGE)
    ink = paper.ink[begin : top + height + EDGE, start : left + width + EDGE]
    own = np.zeros_like(ink)
    own[top - begin : top - begin + height, left - start : left - start + width] = mask
    return ink, own


def softened(ink: Grey, own: Grey, level: int) -> Grey:
    """The ink of the mask `own` with its fading edges, 127 where it begins, and nobody else's."""
    near = cv2.dilate(own, np.ones((3, 3), np.uint8))
    sharp = cv2.convertScaleAbs(ink, alpha=127.5 / max(1, level))
    return np.where((own > 0) | ((near > 0) & (ink <= level)), sharp, 0).astype(np.uint8)


def box_of(paper: Paper, mask: Grey, left: int, top: int) -> Box:
    """Where the ink of `mask` at `left`, `top` lies on the image as uploaded."""
    rows = np.flatnonzero(mask.any(axis=1))
    lines = mask[rows] > 0
    ends = lines.argmax(axis=1), mask.shape[1] - 1 - lines[:, ::-1].argmax(axis=1)
    pixels = [np.stack([columns + left, rows + top], axis=1) for columns in ends]
    return box_around(paper, np.concatenate(pixels))


def box_around(paper: Paper, pixels: npt.NDArray[np.integer]) -> Box:
    """The box on the image of pixels (n, 2) of the paper, x and y."""
    middles = (pixels + 0.5) @ paper.back[:, :2].T + paper.back[:, 2]
    half = np.abs(paper.back[:, :2]).sum(axis=1) / 2
    height, width = paper.shape
    low = np.clip(np.floor(middles.min(axis=0) - half + 0.25), 0, (width - 1, height - 1))
    high = np.clip(np.ceil(middles.max(axis=0) + half - 0.25), low + 1, (width, height))
    (left, top), (right, bottom) = low.astype(int).tolist(), high.astype(int).tolist()
    return Box(left, top, right - left, bottom - top)
