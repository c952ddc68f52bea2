"""The connected parts of a mask of ink, and which of them make the character: dots yes, specks no."""

import cv2
import numpy as np
import numpy.typing as npt

from ..files.images import Grey
from .mask import stripped
from .quality import PartStats

Kept = npt.NDArray[np.bool_]

LEAST_SPECK = 0.03
"""Share of the largest part's area; the dot of an i is not that small."""

LEAST_WHOLE = 0.2
"""Share of the largest part's area, and of the picture's long side: a part this large that does not
touch the picture's edge may be the whole character."""

FAR, FAR_SPECK = 0.6, 0.15
"""A part does not belong to the main one if it is farther away than the share FAR of that part's long
side and smaller than the share FAR_SPECK of its area."""

DOT = 0.35
"""The greatest width of a dot, as a share of the height of what it stands over."""

HOLLOW, LEAST_IN_BOX = 0.3, 0.3
"""The greatest share of its box that a drawn box of lines fills, and the least long side of what is
written in it, as a share of its own: what is in the ring of a letter, such as a dot, is smaller."""

STRAIGHT, SQUARE = 0.02, 0.9
"""How far the sides of a drawn box may bend, as a share of its outline, and the least share of the
rectangle around it that it fills: a round letter fills less."""


def clean(mask: Grey) -> tuple[Grey, PartStats]:
    """`mask` with nothing but the character, and the character's parts."""
    if len(single := single_part(mask)):
        return mask, single
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8, ltype=cv2.CV_16U)
    parts = np.asarray(stats[1:]).astype(np.int32, copy=False)
    if not len(parts):
        return mask, parts
    kept = in_box(parts, labels)
    kept[kept] = belonging(parts[kept], mask.shape)
    if kept.all():
        return mask, parts
    return painted(labels, kept), parts[kept]


def single_part(mask: Grey) -> PartStats:
    """The part of a mask that has no other, as most have; else none. To count them within the box of
    the ink takes half of the time, in a large picture a fifth."""
    ink, left, top = stripped(mask)
    if ink.size and cv2.connectedComponents(ink, connectivity=8, ltype=cv2.CV_16U)[0] == 2:
        return np.array([[left, top, *ink.shape[::-1], cv2.countNonZero(ink)]], np.int32)
    return np.empty((0, 5), np.int32)


def in_box(parts: PartStats, labels: cv2.typing.MatLike) -> Kept:
    """Which parts lie in a drawn box that has something large in it; all, if there is no such box."""
    left, top, width, height, area = parts.T
    box = int((width * height).argmax())
    if area[box] <= HOLLOW * width[box] * height[box]:
        right, bottom = left + width, top + height
        kept: Kept = (
            (left > left[box]) & (right < right[box]) & (top > top[box]) & (bottom < bottom[box])
        )
        long = np.maximum(width, height)
        if (kept & (long >= LEAST_IN_BOX * long[box])).any() and is_rectangle(labels == 1 + box):
            return kept
    return np.ones(len(parts), np.bool_)


def is_rectangle(part: Kept) -> bool:
    """Whether the outline of a part has four corners with right angles."""
    contours, _ = cv2.findContours(part.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    outline = cv2.approxPolyDP(contours[0], STRAIGHT * cv2.arcLength(contours[0], True), True)
    width, height = cv2.minAreaRect(contours[0])[1]
    return len(outline) == 4 and cv2.contourArea(contours[0]) >= SQUARE * width * height


def running_out(mask: Grey) -> Grey:
    """The parts of `mask` that reach the edge of the picture."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8, ltype=cv2.CV_16U)
    return painted(labels, at_edge(np.asarray(stats[1:]).astype(np.int32, copy=False), mask.shape))


def painted(labels: cv2.typing.MatLike, kept: Kept) -> Grey:
    """255 where a part that is `kept` is; `labels` has 0 where there is none, and parts from 1 on."""
    shades = np.zeros(1 + len(kept), np.uint8)
    shades[1:][kept] = 255
    mask: Grey = shades[labels]
    return mask


def belonging(parts: PartStats, shape: tuple[int, ...]) -> Kept:
    """Which of the parts make the character: no specks, nothing cut off at the edge or far away."""
    areas = parts[:, 4]
    kept = areas >= LEAST_SPECK * areas.max()
    main = int(areas.argmax())
    touching = at_edge(parts, shape)
    if touching.any() and not touching.all():
        inside = int(np.where(touching, 0, areas).argmax())
        large = max(parts[inside, 2:4]) >= LEAST_WHOLE * max(shape)
        if large and areas[inside] >= LEAST_WHOLE * areas[main]:
            main = inside
            kept = (areas >= LEAST_SPECK * areas[main]) & (~touching | dots(parts, main))
    chosen: Kept = kept & ~far_specks(parts, main)
    return chosen


def at_edge(parts: PartStats, shape: tuple[int, ...]) -> Kept:
    """Which parts reach the edge of the picture."""
    left, top, width, height = parts[:, :4].T
    reach: Kept = (left == 0) | (top == 0) | (left + width == shape[1]) | (top + height == shape[0])
    return reach


def dots(parts: PartStats, main: int) -> Kept:
    """Which parts may be the dot over `main`."""
    left, top, width, height = parts[:, :4].T
    under = (left + width >= left[main]) & (left <= left[main] + width[main])
    above = top + height <= top[main] + height[main] // 3
    found: Kept = under & above & (width <= DOT * height[main])
    return found


def far_specks(parts: PartStats, main: int) -> Kept:
    """Which parts are small and far from `main`."""
    near, far = parts[:, :2], parts[:, :2] + parts[:, 2:4]
    gaps = np.maximum(near - far[main], near[main] - far).max(axis=1)
    small = parts[:, 4] < FAR_SPECK * parts[main, 4]
    found: Kept = small & (gaps > FAR * parts[main, 2:4].max())
    return found
