"""Connected parts of the ink, without specks: what lines and characters are made of."""

from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt

from ..images import BadImage, Grey

MOST_PARTS = 10_000
LEAST_SIDE, LEAST_AREA = 4, 8
"""Pixels; what is smaller is grain, whatever else is on the sheet."""
SPECK = 0.008
"""Share of the square of the height of the writing: the dot of an i by a fine pen is twice as large."""
HEADING = 2.0
"""Heights of the writing: what is higher is written larger."""
LEAST_BELOW, LEAST_INK = 0.2, 0.03
"""Of a heading: how high what is written below is at least, and its share of all ink."""
BESIDE = 0.4
"""Heights of a part: what is this far above or below it may be a dot of its line."""
APART = 2.0
"""Heights of the writing: most characters are closer to the next; tick boxes and dust are not."""
LEAST_HEIGHT = 8
"""Pixels; what is lower is no writing that can be read."""

Ints = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Parts:
    """`labels` (h, w) names the part of each pixel, 0 is what is left out; part `ids[i]` has
    `boxes[i]`: left, top, right, bottom; and `areas[i]` pixels."""

    labels: Ints
    ids: Ints
    boxes: Ints
    areas: Ints

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def heights(self) -> Ints:
        return self.boxes[:, 3] - self.boxes[:, 1]

    @property
    def widths(self) -> Ints:
        return self.boxes[:, 2] - self.boxes[:, 0]

    @cached_property
    def tall(self) -> float:
        """How high the writing is; if some is a heading, the writing of which there is more counts."""
        tall = self.middle
        large = HEADING * self.heights > tall
        beside = self.beside(large & (self.heights <= HEADING * tall))
        high = self.heights >= max(LEAST_HEIGHT, LEAST_BELOW * tall)
        written = self.select(high & ~large & ~beside)
        most = len(written) > np.count_nonzero(large) and written.ink >= LEAST_INK * self.ink
        return written.middle if most and written.is_dense else tall

    def beside(self, those: Bools) -> Bools:
        """Which parts are at the height of one of `those`, or little above or below."""
        tops, bottoms = self.boxes[:, 1], self.boxes[:, 3]
        beyond = BESIDE * self.heights
        begun = np.sort((tops - beyond)[those]).searchsorted((tops + bottoms) / 2, side="right")
        ended = np.sort((bottoms + beyond)[those]).searchsorted((tops + bottoms) / 2, side="right")
        return begun > ended

    @property
    def is_dense(self) -> bool:
        """Whether they are as close to each other as characters are in lines."""
        middles = (self.boxes[:, 1] + self.boxes[:, 3]) / 2
        down = np.argsort(middles, kind="stable")
        lines = np.empty(len(self), np.intp)
        lines[down] = np.cumsum(np.diff(middles[down], prepend=0) > self.middle / 2)
        order = np.lexsort((self.boxes[:, 0], lines))
        gaps = self.boxes[order[1:], 0] - self.boxes[order[:-1], 2]
        gaps = gaps[np.diff(lines[order]) == 0]
        return not len(gaps) or float(np.median(gaps)) < APART * self.middle

    @property
    def middle(self) -> float:
        """The median height by ink: half of all ink is in parts at most this high."""
        if not len(self):
            return 0.0
        order = np.argsort(self.heights, kind="stable")
        ink = np.cumsum(self.areas[order], dtype=np.int64)
        return float(self.heights[order[np.searchsorted(ink, ink[-1] / 2)]])

    @property
    def ink(self) -> int:
        """How many pixels all parts have."""
        return int(self.areas.sum(dtype=np.int64))

    def mask(self) -> Grey:
        """255 where these parts are."""
        return np.where(np.isin(self.labels, self.ids), np.uint8(255), np.uint8(0))

    def select(self, which: Bools | Ints) -> "Parts":
        """Only the parts told by a mask or by their indices."""
        return replace(self, ids=self.ids[which], boxes=self.boxes[which], areas=self.areas[which])


def connected(mask: Grey, connectivity: int = 8) -> Parts:
    """Every part of what is not 0."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(
        mask, connectivity=connectivity, ltype=cv2.CV_32S
    )
    left, top, width, height, area = np.asarray(stats)[1:].astype(np.int32, copy=False).T
    boxes = np.stack([left, top, left + width, top + height], axis=1)
    ids = np.arange(1, len(boxes) + 1, dtype=np.int32)
    return Parts(np.asarray(labels).astype(np.int32, copy=False), ids, boxes, area)


def find_parts(mask: Grey) -> Parts:
    """The parts of the ink that are no grain."""
    parts = connected(mask)
    sides = np.maximum(parts.widths, parts.heights)
    return parts.select((sides >= LEAST_SIDE) & (parts.areas >= LEAST_AREA))


def without_specks(parts: Parts) -> Parts:
    """The parts that may belong to characters. Raises BadImage: too many."""
    parts = parts.select(parts.areas >= SPECK * parts.tall**2)
    if len(parts) > MOST_PARTS:
        raise BadImage(
            f"{len(parts):,} separate spots of ink, where at most {MOST_PARTS:,} are read: cut the "
            "sheet into parts, or scan it with less grain"
        )
    return parts
