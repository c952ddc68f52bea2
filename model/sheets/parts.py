"""The connected parts of the ink, without specks, of which lines and characters are made."""

from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt

from ..files.images import BadImage, Grey

MOST_PARTS = 10_000
LEAST_SIDE, LEAST_AREA = 4, 8
"""Pixels; what is smaller is grain, whatever else is on the sheet."""
SPECK = 0.008
"""Share of the square of the height of the writing: the dot of an i by a fine pen is twice as large."""
HEADING = 2.0
"""In heights of the writing: what is higher than this is a heading."""
LEAST_BELOW, LEAST_INK = 0.2, 0.03
"""The least height of writing below a heading, in heights of the heading, and its least share of ink."""
BESIDE = 0.4
"""In heights of a part: what is this little above or below it may be a dot of its line."""
APART = 2.0
"""In heights of the writing: most characters are closer to the next; tick boxes and dust are not."""
LEAST_HEIGHT = 8
"""Pixels; lower writing cannot be read."""

Ints = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Parts:
    """`labels` (h, w) has the id of each pixel's part, be it among `ids` or not, and 0 where there is
    none; part `ids[i]` has `boxes[i]` (left, top, right, bottom) and `areas[i]` pixels."""

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
    def centres(self) -> Doubles:
        """How far down the middle of each part is."""
        return (self.boxes[:, 1] + self.boxes[:, 3]) / 2

    @cached_property
    def tall(self) -> float:
        """The height of the writing; of a heading and the text below it, that with more parts counts."""
        tall = self.median_height
        large = HEADING * self.heights > tall
        beside = self.beside(large & (self.heights <= HEADING * tall))
        high = self.heights >= max(LEAST_HEIGHT, LEAST_BELOW * tall)
        written = self.select(high & ~large & ~beside)
        most = len(written) > np.count_nonzero(large) and written.ink >= LEAST_INK * self.ink
        return written.median_height if most and written.is_dense else tall

    def beside(self, those: Bools) -> Bools:
        """Which parts are level with one of `those`, or a little above or below it."""
        tops, bottoms = self.boxes[:, 1], self.boxes[:, 3]
        beyond = BESIDE * self.heights
        begun = np.sort((tops - beyond)[those]).searchsorted(self.centres, side="right")
        ended = np.sort((bottoms + beyond)[those]).searchsorted(self.centres, side="right")
        return begun > ended

    @property
    def is_dense(self) -> bool:
        """Whether the parts are as close to each other as characters in lines."""
        down = np.argsort(self.centres, kind="stable")
        lines = np.empty(len(self), np.intp)
        lines[down] = np.cumsum(np.diff(self.centres[down], prepend=0) > self.median_height / 2)
        order = np.lexsort((self.boxes[:, 0], lines))
        gaps = self.boxes[order[1:], 0] - self.boxes[order[:-1], 2]
        gaps = gaps[np.diff(lines[order]) == 0]
        return not len(gaps) or float(np.median(gaps)) < APART * self.median_height

    @property
    def median_height(self) -> float:
        """The median height by ink: half of all ink is in parts at most this high."""
        if not len(self):
            return 0.0
        order = np.argsort(self.heights, kind="stable")
        ink = np.cumsum(self.areas[order], dtype=np.int64)
        return float(self.heights[order[np.searchsorted(ink, ink[-1] / 2)]])

    @property
    def ink(self) -> int:
        """The number of pixels of all parts."""
        return int(self.areas.sum(dtype=np.int64))

    def mask(self) -> Grey:
        """255 where these parts are."""
        return np.where(np.isin(self.labels, self.ids), np.uint8(255), np.uint8(0))

    def select(self, which: Bools | Ints) -> "Parts":
        """Only the parts that `which` selects, as a mask or as indices."""
        return replace(self, ids=self.ids[which], boxes=self.boxes[which], areas=self.areas[which])


def connected(mask: Grey, connectivity: int = 8) -> Parts:
    """The connected parts of what is not 0 in `mask`."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(
        mask, connectivity=connectivity, ltype=cv2.CV_32S
    )
    left, top, width, height, area = np.asarray(stats)[1:].astype(np.int32, copy=False).T
    boxes = np.stack([left, top, left + width, top + height], axis=1)
    ids = np.arange(1, len(boxes) + 1, dtype=np.int32)
    return Parts(np.asarray(labels).astype(np.int32, copy=False), ids, boxes, area)


def find_parts(mask: Grey) -> Parts:
    """The parts of the ink that are not grain."""
    parts = connected(mask)
    sides = np.maximum(parts.widths, parts.heights)
    return parts.select((sides >= LEAST_SIDE) & (parts.areas >= LEAST_AREA))


def without_specks(parts: Parts) -> Parts:
    """The parts that may belong to characters. Raises BadImage if they are too many."""
    parts = parts.select(parts.areas >= SPECK * parts.tall**2)
    if len(parts) > MOST_PARTS:
        raise BadImage(
            f"{len(parts):,} separate spots of ink, where at most {MOST_PARTS:,} are read: cut the "
            "sheet into parts, or scan it with less grain"
        )
    return parts
