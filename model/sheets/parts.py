"""Connected parts of the ink, without specks: what lines and characters are made of."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from ..images import BadImage, Grey

MOST_PARTS = 10_000
LEAST_SIDE, LEAST_AREA = 4, 8
"""Pixels; what is smaller is grain, whatever else is on the sheet."""
SPECK = 0.008
"""Of the square of the height of the writing: the area of the dot of an i in a fine pen is twice that."""

Ints = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Parts:
    """`labels` (h, w) names the part of each pixel, 0 is paper; part `ids[i]` has `boxes[i]`: left,
    top, right, bottom; and so many pixels, `areas[i]`. `tall` is the height of the writing."""

    labels: Ints
    ids: Ints
    boxes: Ints
    areas: Ints
    tall: float

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def heights(self) -> Ints:
        return self.boxes[:, 3] - self.boxes[:, 1]

    @property
    def widths(self) -> Ints:
        return self.boxes[:, 2] - self.boxes[:, 0]


def find_parts(mask: Grey) -> Parts:
    """The parts of the ink that may belong to characters. Raises BadImage: too many."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8, ltype=cv2.CV_32S)
    ids = np.flatnonzero(_solid(np.asarray(stats))).astype(np.int32)
    tall = height_of(stats[ids])
    ids = ids[stats[ids, cv2.CC_STAT_AREA] >= SPECK * tall * tall]
    if len(ids) > MOST_PARTS:
        raise BadImage(
            f"{len(ids):,} separate spots of ink, where at most {MOST_PARTS:,} are read: cut the sheet "
            "in parts, or scan it with less grain"
        )
    left, top, width, height, area = stats[ids].T
    boxes = np.stack([left, top, left + width, top + height], axis=1)
    return Parts(np.asarray(labels), ids, boxes, area, tall)


def _solid(stats: Ints) -> npt.NDArray[np.bool_]:
    """Which parts are more than grain; the first is the paper."""
    sides = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1)
    solid: npt.NDArray[np.bool_] = (sides >= LEAST_SIDE) & (stats[:, cv2.CC_STAT_AREA] >= LEAST_AREA)
    solid[0] = False
    return solid


def height_of(stats: Ints) -> float:
    """How high the writing is: of all ink, half is in parts at most so high."""
    if not len(stats):
        return 0.0
    order = np.argsort(stats[:, cv2.CC_STAT_HEIGHT], kind="stable")
    ink = np.cumsum(stats[order, cv2.CC_STAT_AREA], dtype=np.int64)
    return float(stats[order[np.searchsorted(ink, ink[-1] / 2)], cv2.CC_STAT_HEIGHT])
