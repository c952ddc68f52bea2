"""Turns a photographed or scanned sheet into ink on an even ground: the first step of every layout."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from ..files.images import Grey, as_grey
from ..glyph import LEAST_CONTRAST
from ..ink.ground import has_bright_strokes, skewness
from ..scaling import odd, resize, shrink
from .surroundings import around_paper, is_written_on

WORK_PIXELS = 9_000_000
"""Larger sheets are shrunk to this; A4 at 300 dpi is read as it is."""

GROUND_SIDE = 160
"""Long side of the copy on which the light of the paper is measured."""
GROUND_KERNEL = 25
"""Pixels of that copy: no ink is as wide as this."""

TELLING_SIDE = 512
"""Long side of the copy that tells whether strokes are dark or bright."""

BLANK = 10.0
"""The greatest standard deviation of grey levels on a sheet on which hardly anything is written."""
INKED = -1.0
"""The greatest skewness of any other sheet with dark ink (bold ink has -2). Strokes of a picture cut
tight that look like a sheet have more."""
FAINT, CLEAR = 0.4, 0.7
"""How far strokes stand out that reveal a dark page, as a share of the contrast between paper and
surroundings, if nothing is written elsewhere and if something is. Few tables have so coarse a grain."""

EDGE = 9
"""Width in pixels, at most, of the edge between paper and its surroundings."""

NOISE = 5.0
"""Standard deviations by which ink stands out from the grain of the paper."""


@dataclass(frozen=True)
class Paper:
    """`ink` (h, w) uint8, bright on a ground near 0. Above `level`, half-way up its edges, it is a
    pen's; above `faint` it is not the grain of the paper, but may be a printed line.

    `back` is the affine map (2, 3) from these pixels to those of the image, whose shape is `shape`.
    `outside` (h, w) is 255 where the picture shows no paper; None if there is no such place.
    """

    ink: Grey
    faint: int
    level: int
    back: npt.NDArray[np.float64]
    shape: tuple[int, int]
    outside: Grey | None = None

    @property
    def mask(self) -> Grey:
        """255 where a pen has been."""
        return above(self.ink, self.level)

    @property
    def prints(self) -> Grey:
        """255 where a pen has been, or light print is."""
        return above(self.ink, self.faint)


def even(grey: Grey) -> Paper:
    """The sheet at its working size, its ink, dark or light, on a ground without shadows."""
    height, width = grey.shape
    scale = min(1.0, (WORK_PIXELS / grey.size) ** 0.5)
    small = resize(grey, max(1, int(height * scale)), max(1, int(width * scale))) if scale < 1 else grey
    bright, outside = polarity(small)
    dark = 255 - small if bright else small
    share = cv2.divide(cv2.GaussianBlur(dark, (3, 3), 0), light(dark), scale=255)
    ink = 255 - as_grey(share)
    back = np.array([[width / ink.shape[1], 0, 0], [0, height / ink.shape[0], 0]])
    if outside is not None:
        ink = np.where(outside > 0, np.uint8(0), ink)
    return Paper(ink, *levels_of(ink), back, (height, width), outside)


def polarity(grey: Grey) -> tuple[bool, Grey | None]:
    """Whether the ink is bright; if only the surroundings make it seem so, a mask of these."""
    small = shrink(grey, TELLING_SIDE)
    if not has_bright_strokes(small):
        return False, None
    outside = misleading(small)
    if outside is None:
        return True, None
    return False, as_grey(cv2.resize(outside, grey.shape[::-1], interpolation=cv2.INTER_NEAREST))


def misleading(small: Grey) -> Grey | None:
    """The surroundings in a small picture, if its strokes seem bright only for them: what lies inside
    looks like a sheet with dark ink, or with hardly any, and nothing is written around it."""
    around = around_paper(small)
    outside = widened(around)
    inside = small[outside == 0]
    if len(inside) in (0, small.size):
        return None
    paper = np.uint8(np.median(inside))
    sheet = np.where(outside > 0, paper, small)
    blank = float(sheet.std()) < BLANK
    is_paper = blank or skewness(sheet) <= INKED
    if not is_paper or is_written_on(small, around, int(paper), FAINT if blank else CLEAR):
        return None
    return outside


def without(paper: Paper, outside: Grey) -> Paper:
    """`paper` without any ink where `outside` (h, w) is 255."""
    if not cv2.hasNonZero(outside):
        return paper
    outside = widened(outside)
    ink = np.where(outside > 0, np.uint8(0), paper.ink)
    return replace(paper, ink=ink, outside=outside if paper.outside is None else outside | paper.outside)


def widened(outside: Grey) -> Grey:
    """The surroundings `outside`, widened by the blurred edge of the paper."""
    kernel = np.ones((EDGE, EDGE), np.uint8)
    return as_grey(cv2.dilate(outside, kernel))


def above(ink: Grey, level: int) -> Grey:
    """255 where the ink is stronger than `level`."""
    return as_grey(cv2.threshold(ink, level, 255, cv2.THRESH_BINARY)[1])


def light(dark: Grey) -> Grey:
    """The light of the paper under dark ink, at least 1: closing removes strokes on a small copy."""
    height, width = dark.shape
    small = shrink(dark, GROUND_SIDE)
    kernel = np.ones((odd(GROUND_KERNEL * max(small.shape) // GROUND_SIDE),) * 2, np.uint8)
    closed = cv2.GaussianBlur(cv2.morphologyEx(small, cv2.MORPH_CLOSE, kernel), (0, 0), 1)
    whole = cv2.resize(closed, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.maximum(as_grey(whole), 1)


def levels_of(ink: Grey) -> tuple[int, int]:
    """The levels that separate print from grain, and a pen from paper (Otsu 1979, near what surely is
    not grain); 255 if there is nothing."""
    step = 1 + max(ink.shape) // 512  # a sample of the pixels will do
    some = ink[::step, ::step]
    middle = float(np.median(some))
    grain = 1.5 * float(np.median(np.abs(some - middle)))  # about the standard deviation of noise
    least = middle + max(LEAST_CONTRAST, NOISE * grain)
    sure = (ink > least).astype(np.uint8)
    near = cv2.dilate(sure, np.ones((7, 7), np.uint8)) > 0
    if not near.any():
        return 255, 255
    level, _ = cv2.threshold(ink[near], 0, 255, cv2.THRESH_OTSU)
    return round(min(254.0, least)), round(min(254.0, max(level, least)))
