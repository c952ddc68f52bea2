"""Makes a glyph of one character's ink on a sheet, by the steps that a single character goes through."""

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from ..card import Normalization
from ..files.images import Grey
from ..flags import NONE, Flag
from ..glyph import SIDE, Glyph
from ..ink import quality
from ..ink.finding import RIM, Found, around, cut_out
from ..ink.mask import even_strokes, stripped
from ..ink.normalization import place
from ..layout import Box
from ..scaling import resize
from .paper import Paper


class Piece(NamedTuple):
    """Ink on a sheet: `mask` (h, w) is 255 where it is, and begins at `left`, `top` of the paper."""

    mask: Grey
    left: int
    top: int

    def tight(self) -> "Piece":
        """The same, cut to the box of the ink."""
        mask, across, down = stripped(self.mask)
        return Piece(mask, self.left + across, self.top + down)

    def around(self) -> tuple[slice, slice]:
        """The rows and columns of the paper that it takes, and RIM more on each side."""
        height, width = self.mask.shape
        return around(self.top, height, RIM), around(self.left, width, RIM)


def to_glyph(paper: Paper, piece: Piece, normalization: Normalization | None) -> Glyph:
    """The glyph of a tight piece; blank if there is no ink."""
    if not cv2.hasNonZero(piece.mask):
        return Glyph(np.zeros((SIDE, SIDE), np.uint8), Flag.BLANK)
    found = framed(paper, piece)
    flags = quality.flags(*found) | cut_off(paper, piece, found)
    if normalization is None:
        return Glyph(resize(np.minimum(found.ink, found.mask), SIDE, SIDE), flags)
    return Glyph(place(even_strokes(cut_out(found)), normalization), flags)


def cut_off(paper: Paper, piece: Piece, found: Found) -> Flag:
    """TOUCHES_EDGE if the ink of `piece`, framed in `found`, reaches to where there is no paper."""
    if paper.outside is None:
        return NONE
    near = cv2.dilate(paper.outside[piece.around()], np.ones((2 * RIM + 1,) * 2, np.uint8))
    return Flag.TOUCHES_EDGE if cv2.hasNonZero(cv2.bitwise_and(near, found.mask)) else NONE


def framed(paper: Paper, piece: Piece) -> Found:
    """The ink of `piece` and RIM pixels around it, as far as there are any, without other ink."""
    rows, columns = piece.around()
    height, width = piece.mask.shape
    ink = paper.ink[rows, columns]
    own = np.zeros_like(ink)
    own[piece.top - rows.start :, piece.left - columns.start :][:height, :width] = piece.mask
    stats = cv2.connectedComponentsWithStats(own, connectivity=8, ltype=cv2.CV_32S)[2]
    parts = np.asarray(stats)[1:].astype(np.int32, copy=False)
    return Found(np.where((own > 0) | (ink <= paper.level), ink, np.uint8(0)), own, parts)


def box_of(paper: Paper, piece: Piece) -> Box:
    """Where the ink of `piece` lies on the image as uploaded."""
    mask, left, top = piece
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
