"""Finds what a picture shows around its sheet, a dark table or a scanner's black edge: it is no ink."""

import cv2
import numpy as np

from ..files.images import Grey, as_grey
from ..ink.mask import sides
from ..scaling import odd
from .parts import Parts, connected

ALONG = 0.3
"""Share of a side of the picture: surroundings lie along at least this much of it."""
BLUR = 0.02
"""Share of the picture's long side: a median filter this wide leaves few strokes on paper."""
LARGE, SQUARE = 0.125, 0.85
"""The least shares of the picture, and of the rectangle around it, that paper fills; strokes do not."""
STROKES = 0.002
"""The least share of a dark page that strokes cover."""
NARROW = 21
"""Pixels of a small picture: no stroke is wider."""
SOLID = 0.4
"""In heights of the writing: no stroke is this wide."""
LONG = 1.7
"""In heights of the writing: no stroke along the edge of a picture cut tight is longer."""


def around_paper(small: Grey) -> Grey:
    """255 where a small picture of dark ink on paper shows something darker than paper at its edge."""
    smooth = cv2.medianBlur(small, odd(round(BLUR * max(small.shape))))
    _, dark = cv2.threshold(smooth, 0, 255, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)
    around = along_edges(connected(as_grey(dark))).mask()
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
    """Whether there are bright strokes in what is taken for surroundings: then it is a dark page, and
    what is as bright as `paper` is an area on it, or a wall beside it. Strokes stand out by more than
    the share `least` of the contrast between the two."""
    kernel = np.ones((NARROW, NARROW), np.uint8)
    solid = cv2.morphologyEx(around, cv2.MORPH_CLOSE, kernel)
    within = cv2.erode(solid, kernel) > 0
    if not within.any():
        return False
    contrast = paper - float(np.median(small[within]))
    strokes = cv2.subtract(small, cv2.medianBlur(small, NARROW)) > least * contrast
    return int(np.count_nonzero(strokes & within)) > STROKES * int(np.count_nonzero(within))


def around_writing(mask: Grey) -> Grey:
    """255 where solid ink lies along an edge, longer than LONG heights of the writing elsewhere."""
    nothing = np.zeros_like(mask)
    if all(np.count_nonzero(side) < ALONG * len(side) for side in sides(mask)):
        return nothing
    parts = connected(mask)
    edges = along_edges(parts)
    tall = parts.select(~np.isin(parts.ids, edges.ids)).tall
    if not tall:
        return nothing
    solid = along_edges(connected(opened(edges.mask(), odd(round(SOLID * tall)))))
    return solid.select(np.maximum(solid.widths, solid.heights) > LONG * tall).mask()


def along_edges(parts: Parts) -> Parts:
    """The parts that lie along a good part of a side of the picture."""
    along = np.zeros(len(parts.ids), np.bool_)
    for line in sides(parts.labels):
        along |= np.bincount(line, minlength=len(along) + 1)[1:] >= ALONG * len(line)
    return parts.select(along)


def opened(mask: Grey, side: int) -> Grey:
    """255 where a square of this `side` fits into `mask`, which goes on beyond the picture's edges."""
    framed = np.pad(mask, side, constant_values=255)
    found = cv2.morphologyEx(framed, cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    return as_grey(found[side:-side, side:-side])
