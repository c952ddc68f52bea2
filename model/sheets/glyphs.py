"""One character's ink on a sheet becomes a glyph, by the steps that a single character goes through."""

import cv2
import numpy as np

from ..card import Recipe
from ..flags import Flag
from ..glyph import Glyph
from ..images import Grey
from ..ink import even_strokes
from ..layout import Box
from ..normalization import SIDE, WORK_SIDE, place
from ..scaling import fit, resize
from .paper import Paper


def to_glyph(paper: Paper, mask: Grey, left: int, top: int, recipe: Recipe | None) -> Glyph:
    """What `mask` (h, w) shows of the ink at `left`, `top`, its box; all 0 is blank."""
    height, width = mask.shape
    ink = paper.ink[top : top + height, left : left + width]
    if not mask.any():
        return Glyph(np.zeros((SIDE, SIDE), np.uint8), Flag.BLANK)
    soft = np.where(mask > 0, ink, np.uint8(0))
    if recipe is None:
        return Glyph(resize(soft, SIDE, SIDE))
    sharp = cv2.convertScaleAbs(soft, alpha=127 / max(1, paper.level))
    return Glyph(place(even_strokes(fit(np.asarray(sharp).astype(np.uint8), WORK_SIDE)), recipe))


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
