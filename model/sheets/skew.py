"""Turns a sheet that lies askew upright, so that lines of writing are rows of pixels."""

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from ..files.images import Grey, as_grey
from ..scaling import shrink
from .paper import WORK_PIXELS, Paper

MOST_DEGREES = 8.0
LEAST_DEGREES = 0.15
"""Less than that is not worth the softening."""
MOST_CANVAS = 2 * WORK_PIXELS
"""Pixels; a very long and narrow strip would need more if it were turned, and stays as it is."""
PROFILE_SIDE = 800
MOST_POINTS = 100_000
LEAST_GAIN = 1.05
"""How many times as sharp a turned profile must be: a few characters have no direction."""

Points = npt.NDArray[np.float32]


def upright(paper: Paper) -> Paper:
    """The sheet turned so that its lines, of writing or of print, lie level."""
    degrees = skew(paper.prints)
    width, height = canvas_of(paper, degrees)
    if abs(degrees) < LEAST_DEGREES or width * height > MOST_CANVAS:
        return paper
    return turn(paper, degrees)


def skew(mask: Grey) -> float:
    """Degrees by which lines fall to the right (negative: rise): the angle at which rows of ink are
    sharpest."""
    points = _points(mask)
    if not len(points):
        return 0.0
    coarse = _sharpest(points, np.arange(-MOST_DEGREES, MOST_DEGREES + 0.1, 0.5))
    fine = _sharpest(points, coarse + np.arange(-0.5, 0.55, 0.1))
    return fine if sharpness(points, fine) > LEAST_GAIN * sharpness(points, 0.0) else 0.0


def sharpness(points: Points, degrees: float) -> float:
    """How much neighbouring rows differ in ink, seen along a line that falls so many degrees."""
    angle = np.radians(degrees)
    rows = points[:, 1] * np.cos(angle) - points[:, 0] * np.sin(angle)
    profile = np.bincount((rows - rows.min()).astype(np.intp)).astype(np.float64)
    return float((np.diff(profile, prepend=0, append=0) ** 2).sum())


def _sharpest(points: Points, degrees: npt.NDArray[np.float64]) -> float:
    return float(max(degrees, key=lambda each: sharpness(points, each)))


def _points(mask: Grey) -> Points:
    """Some of the ink's pixels (n, 2), x and y, on a small copy."""
    small = shrink(mask, PROFILE_SIDE)
    rows, columns = np.nonzero(small > 127 if small is mask else small > 64)
    # At random, since every nth would alias with the rows.
    some = np.random.default_rng(0).permutation(len(rows))[:MOST_POINTS]
    return np.stack([columns[some], rows[some]], axis=1).astype(np.float32)


def turn(paper: Paper, degrees: float) -> Paper:
    """The sheet turned back by so many degrees, on a canvas that holds all of it."""
    height, width = paper.ink.shape
    there = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    size = canvas_of(paper, degrees)
    there[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
    ink = as_grey(cv2.warpAffine(paper.ink, there, size, flags=cv2.INTER_LINEAR))
    outside = paper.outside
    if outside is not None:
        outside = as_grey(cv2.warpAffine(outside, there, size, flags=cv2.INTER_NEAREST))
    back = joined(paper.back, np.asarray(cv2.invertAffineTransform(there)))
    return replace(paper, ink=ink, back=back, outside=outside)


def canvas_of(paper: Paper, degrees: float) -> tuple[int, int]:
    """Width and height that hold all of the sheet, turned."""
    height, width = paper.ink.shape
    cos, sin = np.cos(np.radians(degrees)), abs(np.sin(np.radians(degrees)))
    return int(np.ceil(width * cos + height * sin)), int(np.ceil(width * sin + height * cos))


def joined(second: npt.NDArray[np.float64], first: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The affine map (2, 3) that applies `first` and then `second`."""
    return np.asarray((np.vstack([second, [0, 0, 1]]) @ np.vstack([first, [0, 0, 1]]))[:2])
