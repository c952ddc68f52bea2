"""Makes a glyph of one character's ink on a sheet, by the steps that a single character goes through."""

import cv2
import numpy as np
import numpy.typing as npt

from .. import quality
from ..card import Normalization
from ..finding import RIM, Found, around, cut_out
from ..flags import NONE, Flag
from ..glyph import Glyph
from ..images import Grey
from ..ink import even_strokes
from ..layout import Box
from ..normalization import SIDE, place
from ..scaling import resize
from .paper import Paper


def to_glyph(
    paper: Paper, mask: Grey, left: int, top: int, normalization: Normalization | None
) -> Glyph:
    """The glyph of the ink that `mask` (h, w) shows, which is cut to its box at `left`, `top`; if all of
    it is 0, the glyph is blank."""
    if not cv2.hasNonZero(mask):
        return Glyph(np.zeros((SIDE, SIDE), np.uint8), Flag.BLANK)
    found = framed(paper, mask, left, top)
    flags = quality.flags(*found) | cut_off(paper, mask, left, top)
    if normalization is None:
        return Glyph(resize(np.minimum(found.ink, found.mask), SIDE, SIDE), flags)
    return Glyph(place(even_strokes(cut_out(found)), normalization), flags)


def cut_off(paper: Paper, mask: Grey, left: int, top: int) -> Flag:
    """TOUCHES_EDGE if the ink reaches to where there is no paper."""
    if paper.outside is None:
        return NONE
    height, width = mask.shape
    rows, columns = around(top, height, RIM), around(left, width, RIM)
    near = paper.outside[rows, columns]
    if not cv2.hasNonZero(near):
        return NONE
    beside = np.asarray(cv2.dilate(near, np.ones((2 * RIM + 1,) * 2, np.uint8))) > 0
    own = beside[top - rows.start :, left - columns.start :][:height, :width]
    return Flag.TOUCHES_EDGE if mask[own].any() else NONE


def framed(paper: Paper, mask: Grey, left: int, top: int) -> Found:
    """The ink of `mask` and RIM pixels around it, as far as there are any, without other ink."""
    height, width = mask.shape
    rows, columns = around(top, height, RIM), around(left, width, RIM)
    ink = paper.ink[rows, columns]
    own = np.zeros_like(ink)
    own[top - rows.start :, left - columns.start :][:height, :width] = mask
    stats = cv2.connectedComponentsWithStats(own, connectivity=8, ltype=cv2.CV_32S)[2]
    parts = np.asarray(stats)[1:].astype(np.int32, copy=False)
    return Found(np.where((own > 0) | (ink <= paper.level), ink, np.uint8(0)), own, parts)


def box_of(paper: Paper, mask: Grey, left: int, top: int) -> Box:
    """Where the ink of `mask` at `left`, `top` lies on the image as uploaded."""
    rows = np.flatnonzero(mask.any(axis=1))
    lines = mask[rows] > 0
    ends = lines.argmax(axis=1), mask.shape[1] - 1 - lines[:, ::-1].argmax(axis=1)
    pixels = [np.stack([columns + left, rows + top], axis=1) for columns in ends]
    return box_around(paper, np.concatenate(pixels))


def box_around(paper: Paper, pixels: npt.NDArray[np.integer]) -> Box:
    """The box on the image around pixels (n, 2) of the paper, x and y."""
    middles = (pixels + 0.5) @ paper.back[:, :2].T + paper.back[:, 2]
    half = np.abs(paper.back[:, :2]).sum(axis=1) / 2
    height, width = paper.shape
    low = np.clip(np.floor(middles.min(axis=0) - half + 0.25), 0, (width - 1, height - 1))
    high = np.clip(np.ceil(middles.max(axis=0) + half - 0.25), low + 1, (width, height))
    (left, top), (right, bottom) = low.astype(int).tolist(), high.astype(int).tolist()
    return Box(left, top, right - left, bottom - top)
