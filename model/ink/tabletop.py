"""Finds a sheet of paper that lies on a table, by its shape.

It is looked for only where what was found first may be the table or the sheet.
"""

from collections.abc import Iterator

import cv2
import numpy as np

from ..files.images import Grey, as_grey
from .mask import sides, square
from .quality import PartStats

LARGE = 0.125
"""The least share of the picture that a sheet covers."""

SOLID, WIDE = 0.55, 0.3
"""A large part may be a sheet if it fills more than the share SOLID of its box, and both sides of that
are longer than the share WIDE of the picture's long side."""

MOST_CORNERS, STRAIGHT = 5, 0.02
"""The most corners of a sheet (the picture's edge may cut one off, which makes two), and how far its
sides may bend, as a share of its outline: a round letter has more corners."""

SQUARE = 0.85
"""The least share of the rectangle around it that a sheet fills: a D fills less."""

ALONG, THICK = 0.3, 0.06
"""A table lies along at least the share ALONG of a side of the picture, thicker there than the share
THICK of its long side; no stroke or line that touches the edge does."""

FILLED, ALIKE = 0.9, 2
"""The hole of a box-shaped 0 fills at least the share FILLED of its hull; the stroke is nowhere ALIKE
times as thick as elsewhere, or as the hole is wide: a 1 on a sheet is thinner than that hole."""

LEAST_RIM = 2
"""Pixels in which an edge fades."""


def may_be_table(parts: PartStats, shape: tuple[int, ...]) -> bool:
    """Whether any of the parts touches the edge of the picture, or is as solid as a sheet."""
    bottom, right = shape
    wide, large = WIDE * max(shape), LARGE * bottom * right
    for left, top, width, height, area in parts.tolist():
        if not (left and top and left + width < right and top + height < bottom):
            return True
        if width > wide < height and area > large and area > SOLID * width * height:
            return True
    return False


def sheets(grey: Grey) -> Iterator[tuple[Grey, Grey]]:
    """A light sheet on a darker table and a dark sheet on a lighter table, as far as there are any.

    Each comes as a mask, 255 on the sheet, with `grey`, inverted if the sheet is the darker of the two.
    """
    smooth = cv2.blur(grey, (3, 3))
    _, mask = cv2.threshold(smooth, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    light = as_grey(mask)
    for paper, pixels in (light, grey), (~light, ~grey):
        if lies_along(eroded(~paper, THICK)):
            sheet = sheet_of(paper)
            if cv2.hasNonZero(sheet) and not is_ring(sheet, paper):
                yield sheet, pixels


def sheet_of(paper: Grey) -> Grey:
    """The largest part of `paper`, with all that is on it; empty if it is not shaped like a sheet."""
    sheet = np.zeros_like(paper)
    contours, _ = cv2.findContours(paper, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if contours:
        largest = max(contours, key=cv2.contourArea)
        if is_sheet(largest, paper.shape):
            cv2.drawContours(sheet, [largest], 0, 255, cv2.FILLED)
    return sheet


def is_sheet(contour: cv2.typing.MatLike, shape: tuple[int, ...]) -> bool:
    """Whether a contour has straight sides and few corners and, unless cut off, right angles."""
    area, outline = cv2.contourArea(contour), cv2.arcLength(contour, True)
    corners = cv2.approxPolyDP(contour, STRAIGHT * outline, True)
    if area < LARGE * shape[0] * shape[1] or len(corners) > MOST_CORNERS:
        return False
    left, top, width, height = cv2.boundingRect(contour)
    is_whole = left and top and left + width < shape[1] and top + height < shape[0]
    long, short = cv2.minAreaRect(contour)[1]
    return cv2.isContourConvex(corners) and not (is_whole and area < SQUARE * long * short)


def is_ring(sheet: Grey, paper: Grey) -> bool:
    """Whether a sheet is the stroke of a box-shaped 0, D or 8: the holes in its paper are solid, and
    about as far from its edge on all sides."""
    holes = cv2.bitwise_and(sheet, cv2.bitwise_not(paper))
    contours, _ = cv2.findContours(holes, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not contours:
        return False
    hulls, around = np.zeros_like(sheet), np.zeros_like(sheet)
    cv2.drawContours(hulls, [cv2.convexHull(each) for each in contours], -1, 255, cv2.FILLED)
    if cv2.countNonZero(holes) < FILLED * cv2.countNonZero(hulls):
        return False
    hull = cv2.convexHull(np.concatenate(contours))
    cv2.drawContours(around, [hull], 0, 255)
    widths = cv2.distanceTransform(np.pad(sheet, 1), cv2.DIST_L2, 3)[1:-1, 1:-1][around > 0]
    return bool(widths.max() < ALIKE * min(widths.min(), *cv2.minAreaRect(hull)[1]))


def lies_along(mask: Grey) -> bool:
    """Whether `mask` lies along a side of the picture."""
    return any(cv2.countNonZero(side) >= ALONG * len(side) for side in sides(mask))


def eroded(mask: Grey, share: float = 0.0) -> Grey:
    """`mask` without a rim as wide as `share` of its long side; at the picture's edges it has none."""
    rim = max(LEAST_RIM, round(share * max(mask.shape)))
    inner = cv2.erode(mask, square(1 + 2 * rim), borderType=cv2.BORDER_CONSTANT, borderValue=255)
    return as_grey(inner)
