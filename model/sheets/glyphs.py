"""One character's ink on a sheet becomes a glyph, by the steps that a single character goes through."""

import cv2
import numpy as np

from ..card import Recipe
from ..flags import Flag
from ..glyph import Glyph
from ..images import Grey
from ..ink import WORK_SIDE, even_strokes, strip
from ..layout import Box
from ..normalization import SIDE, place
from ..scaling import fit, resize
from .paper import Paper

EDGE = 1
"""Pixels around the ink of a character in which its strokes fade."""


def to_glyph(paper: Paper, mask: Grey, left: int, top: int, recipe: Recipe | None) -> Glyph:
    """What `mask` (h, w) shows of the ink at `left`, `top`; all 0 is blank."""
    if not mask.any():
        return Glyph(np.zeros((SIDE, SIDE), np.uint8), Flag.BLANK)
    soft = softened(paper, mask, left, top)
    if recipe is None:
        return Glyph(resize(soft, SIDE, SIDE))
    return Glyph(
        place(
            even_strokes(strip(np.where(fit(soft, WORK_SIDE) > 127, np.uint8(255), np.uint8(0)))), recipe
        )
    )


def softened(paper: Paper, mask: Grey, left: int, top: int) -> Grey:
    """The ink of `mask` (h, w) with its fading edges: (h + 2, w + 2), 128 where ink begins."""
    height, width = mask.shape
    around = cv2.copyMakeBorder(mask, EDGE, EDGE, EDGE, EDGE, cv2.BORDER_CONSTANT)
    ink = np.zeros_like(around)
    begin, start = max(0, top - EDGE), max(0, left - EDGE)
    part = paper.ink[begin : top + height + EDGE, start : left + width + EDGE]
    down, across = begin - top + EDGE, start - left + EDGE
    ink[down : down + part.shape[0], across : across + part.shape[1]] = part
    near = cv2.dilate(around, np.ones((3, 3), np.uint8))
    own = (around > 0) | ((near > 0) & (ink <= paper.level))
    sharp = cv2.convertScaleAbs(ink, alpha=127.5 / max(1, paper.level))
    return np.where(own, np.asarray(sharp), 0).astype(np.uint8)


def box_of(paper: Paper, mask: Grey, left: int, top: int) -> Box:
    """Where the ink of `mask` at `left`, `top` lies on the image as uploaded."""
    rows, columns = np.nonzero(mask)
    return box_around(paper, np.stack([columns + left, rows + top], axis=1))


def box_around(paper: Paper, pixels: np.typing.NDArray[np.intp]) -> Box:
    """The box on the image of pixels (n, 2) of the paper, x and y."""
    middles = (pixels + 0.5) @ paper.back[:, :2].T + paper.back[:, 2]
    half = np.abs(paper.back[:, :2]).sum(axis=1) / 2
    height, width = paper.shape
    low = np.clip(np.floor(middles.min(axis=0) - half + 0.25), 0, (width - 1, height - 1))
    high = np.clip(np.ceil(middles.max(axis=0) + half - 0.25), low + 1, (width, height))
    (left, top), (right, bottom) = low.astype(int).tolist(), high.astype(int).tolist()
    return Box(left, top, right - left, bottom - top)
