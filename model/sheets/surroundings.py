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
BLUR = 0.02
"""Of the long side of the picture: seen through a median so wide, paper has few strokes."""
LARGE, SQUARE = 0.125, 0.85
"""What share paper has, at least, of the picture and of the rectangle around it: no bold stroke has."""
STROKES = 0.002
"""Share of a dark page that strokes cover at least."""
NARROW = 21
"""Pixels of a small picture: strokes are no wider."""
SOLID = 0.4
"""Of the height of the writing: no stroke is as wide."""
LONG = 1.7
"""Heights of the writing: a stroke that lies along the edge of a tight picture is no longer."""


def around_paper(small: Grey) -> Grey:
    """255 where a small picture of dark ink on paper shows something darker than paper at its edge."""
    smooth = cv2.medianBlur(small, odd(round(BLUR * max(small.shape))))
    _, dark = cv2.threshold(smooth, 0, 255, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)
    around = along_edges(connected(np.asarray(dark).astype(np.uint8, copy=False))).mask()
    return around if is_sheet(~around) else np.zeros_like(small)


def is_sheet(paper: Grey) -> bool:
    """Whether the largest part of `paper` may be a sheet by its size and shape."""
    contours, _ = cv2.findContours(paper, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not contours:
        return False
    largest = max(contours, key=cv2.contourArea)
    area, (width, height) = cv2.contourArea(largest), cv2.minAreaRect(largest)[1]
    return area >= max(LARGE * paper.size, SQUARE * width * height)


def is_written_on(small: Grey, around: Grey, paper: int, least: float) -> bool:
    """Whether there are bright strokes in what is taken for surroundings: it is a dark page, then, and
    what is as bright as `paper` is an area on it, or a wall beside it. `least` is the share of the
    contrast between the two by which strokes stand out."""
    kernel = np.ones((NARROW, NARROW), np.uint8)
    solid = cv2.morphologyEx(around, cv2.MORPH_CLOSE, kernel)
    within = cv2.erode(solid, kernel) > 0
    if not within.any():
        return False
    contrast = paper - float(np.median(small[within]))
    strokes = cv2.subtract(small, cv2.medianBlur(small, NARROW)) > least * contrast
    return int(np.count_nonzero(strokes & within)) > STROKES * int(np.count_nonzero(within))


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
    """The parts that lie along a good part of a side of the picture."""
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
