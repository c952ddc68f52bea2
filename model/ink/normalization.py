"""Grey pixels of any scan become the 28x28 glyph a network was trained on.

EMNIST (Cohen et al. 2017): ink cut out, scaled, centred by its box. MNIST: long side 20, centred by its
mass. An image that already is such a glyph passes unchanged, so that accuracy on a data set and accuracy
of the service are the same number.
"""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from ..card import Normalization
from ..files.images import Grey, as_grey, check_grey
from ..flags import NONE, Flag
from ..glyph import BORDER, SIDE, Glyph, is_blank
from ..scaling import resize
from . import quality
from .finding import cut_out, find_all
from .mask import even_strokes

LONG_SIDE = {"emnist": 23.5, "mnist": 20.0}
"""Of the ink in a glyph, in pixels, measured where it is half as bright as in the middle of a stroke."""

DARK = 64
"""Most of the border of a glyph is darker than this."""

SOFTNESS = 5
"""Side of the box filter applied at WORK_SIDE, so that strokes have soft edges like those of scans."""


def to_glyph(grey: Grey, normalization: Normalization | None) -> Grey:
    """The pixels of `normalize`."""
    return normalize(grey, normalization).pixels


def normalize(grey: Grey, normalization: Normalization | None) -> Glyph:
    """Grey (h, w) uint8 of any polarity -> (28, 28) uint8, ink bright on dark; blank stays 0.

    If `normalization` is None, it is only resized. Raises BadImage for any other kind of array.
    """
    return normalize_all([grey], normalization)[0]


def normalize_all(greys: Sequence[Grey], normalization: Normalization | None) -> list[Glyph]:
    """The glyph of each of `greys`, (h, w) uint8, as `normalize` makes it.

    Each step is applied to all of them before the next step, so that its code and tables stay in the
    caches: 32 small scans take a quarter less time than one by one.
    """
    for grey in greys:
        check_grey(grey)
    if normalization is None:
        return [Glyph(resize(grey, SIDE, SIDE)) for grey in greys]
    as_is = _as_they_are(greys)
    made = iter(
        _made([grey for grey, glyph in zip(greys, as_is, strict=True) if not glyph], normalization)
    )
    return [glyph or next(made) for glyph in as_is]


def _as_they_are(greys: Sequence[Grey]) -> Sequence[Glyph | None]:
    """For each image its glyph, if it already is one (28x28 with a dark border), else None."""
    fitting = [place for place, grey in enumerate(greys) if grey.shape == (SIDE, SIDE)]
    found: list[Glyph | None] = [None] * len(greys)
    if fitting:
        images = np.array([greys[place] for place in fitting])
        borders = images.reshape(len(images), -1).take(BORDER, 1)
        dark = 2 * np.count_nonzero(borders < DARK, 1) > len(BORDER)
        for place, as_is, blank in zip(fitting, dark.tolist(), is_blank(images).tolist(), strict=True):
            if as_is:
                found[place] = Glyph(greys[place], Flag.BLANK if blank else NONE)
    return found


def _made(greys: Sequence[Grey], normalization: Normalization) -> Iterator[Glyph]:
    found = find_all(greys)
    flags = [quality.flags(*each) for each in found]
    ink = [cut_out(each) for each in found if len(each.parts)]
    even = [even_strokes(each) for each in ink]
    placed = iter([place(each, normalization) for each in even])
    for each, bits in zip(found, flags, strict=True):
        yield Glyph(next(placed) if len(each.parts) else np.zeros((SIDE, SIDE), np.uint8), bits)


def place(ink: Grey, normalization: Normalization) -> Grey:
    """The glyph of a mask of ink in a frame: softened, scaled and centred."""
    box = cv2.boundingRect(ink)
    scale = LONG_SIDE[normalization] / max(1, *box[2:])
    soft = cv2.blur(ink, (SOFTNESS, SOFTNESS))
    slack = (SIDE - LONG_SIDE[normalization]) / 2 / scale if normalization == "mnist" else 0.0
    across, down = (scale * side for side in middle_of(ink, box, slack))
    middle = (SIDE - 1) / 2
    where = np.array([[scale, 0, middle - across], [0, scale, middle - down]])
    glyph = cv2.warpAffine(soft, where, (SIDE, SIDE), flags=cv2.INTER_LINEAR)
    return brightened(as_grey(glyph))


def middle_of(ink: Grey, box: Sequence[int], slack: float) -> tuple[float, float]:
    """x and y of the middle of the box of the ink, moved towards its centre of mass by at most
    `slack`."""
    left, top, width, height = box
    across, down = left + (width - 1) / 2, top + (height - 1) / 2
    if not slack:
        return across, down
    mass = cv2.moments(ink)
    weight = mass["m00"] or 1
    off = mass["m10"] / weight - across, mass["m01"] / weight - down
    return across + min(max(off[0], -slack), slack), down + min(max(off[1], -slack), slack)


def brightened(glyph: Grey) -> Grey:
    """`glyph` (h, w) scaled so that its brightest pixel is 255."""
    most = cv2.minMaxLoc(glyph)[1]
    return glyph if most == 255 else as_grey(cv2.convertScaleAbs(glyph, alpha=255 / max(1, most)))
