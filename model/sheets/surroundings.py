"""What a picture shows around its sheet, a dark table or a scanner's black edge, is no ink."""

from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from ..images import Grey
from ..scaling import odd
from .parts import Parts, connected

Number = TypeVar("Number", np.uint8, np.int32)

ALONG = 0.3
"""Of a side of the picture: surroundings lie along as much of it."""
BLUR = 0.05
"""Of the long side of the picture: seen through a median so wide, paper has no strokes."""
WIDE, LARGE = 0.25, 0.125
"""Of the short side and the area of the picture: paper is so wide all about, and so large; bold strokes
are not."""
SOLID = 0.4
"""Of the height of the writing: no stroke is as wide."""
LONG = 1.7
"""Heights of the writing: a stroke that lies along the edge of a tight picture is no longer."""


def around_paper(small: Grey) -> Grey:
    """255 where a small picture of dark ink on paper shows something darker than paper at its edge."""
    smooth = cv2.medianBlur(small, odd(round(BLUR * max(small.shape))))
    _, light = cv2.threshold(smooth, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    paper = np.asarray(light).astype(np.uint8, copy=False)
    wide = opened(paper, odd(round(WIDE * min(small.shape))), beyond=0)
    if np.count_nonzero(wide) < LARGE * small.size:
        return np.zeros_like(small)
    return along_edges(connected(~paper)).mask()


def around_writing(mask: Grey) -> Grey:
    """255 where ink lies along an edge, solid, and longer than what is written elsewhere is high."""
    nothing = np.zeros_like(mask)
    if all(np.count_nonzero(side) < ALONG * len(side) for side in sides_of(mask)):
        return nothing
    parts = connected(mask)
    edges = along_edges(parts)
    tall = parts.select(~np.isin(parts.ids, edges.ids)).tall
    if not tall:
        return nothing
    solid = along_edges(connected(opened(edges.mask(), odd(round(SOLID * tall)), beyond=255)))
    return solid.select(np.maximum(solid.widths, solid.heights) > LONG * tall).mask()


def along_edges(parts: Parts) -> Parts:
    """Those that lie along a good part of a side of the picture."""
    along = np.zeros(len(parts.ids), np.bool_)
    for line in sides_of(parts.labels):
        along |= np.bincount(line, minlength=len(along) + 1)[1:] >= ALONG * len(line)
    return parts.select(along)


def sides_of(pixels: npt.NDArray[Number]) -> list[npt.NDArray[Number]]:
    """The outermost pixels of each side."""
    return [pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]


def opened(mask: Grey, side: int, beyond: int) -> Grey:
    """Where a square of so many pixels fits into `mask`, with `beyond` around the picture."""
    framed = cv2.copyMakeBorder(mask, side, side, side, side, cv2.BORDER_CONSTANT, value=beyond)
    found = cv2.morphologyEx(framed, cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    return np.asarray(found[side:-side, side:-side]).astype(np.uint8, copy=False)
