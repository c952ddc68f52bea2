"""Characters drawn by program: strokes with the unsteadiness of a hand.

No data set may be shipped; these serve for demonstrations and tests; no accuracy is measured on them.
"""

import cv2
import numpy as np
import numpy.typing as npt

from .files.images import Grey, as_grey

# On a grid 4 wide and 6 high, y downwards: points "x,y", strokes separated by "|"; a stroke that begins
# with "~" is a smooth curve through its points.
STROKES = {
    "0": "~2,0 .6,1 0,3 .6,5 2,6 3.4,5 4,3 3.4,1 2,0",
    "1": "1,1.2 2.2,0 2.2,6",
    "2": "~.2,1.5 .8,.3 2,0 3.3,.4 3.7,1.6 3,3 1.5,4.6 .2,6 .2,6 4,6",
    "3": "~.2,.6 1.8,0 3.5,.8 3.4,2.2 1.6,2.9 3.6,3.6 3.8,5.1 2,6 .1,5.4",
    "4": "2.8,6 2.8,0 0,4 4,4",
    "5": "3.6,0 .6,0 .4,2.6|~.4,2.6 2.2,2.1 3.8,3.2 3.7,4.9 2.2,6 .2,5.4",
    "6": "~3.2,.1 1.4,1 .3,3.2 .5,5 2,6 3.6,5.1 3.5,3.5 2,2.8 .5,3.9",
    "7": "0,0 4,0 1.5,6",
    "8": "~2,2.8 .5,1.8 .8,.4 2,0 3.3,.5 3.4,1.8 2,2.8 .3,4.1 .6,5.5 2,6 3.5,5.5 3.7,4.1 2,2.8",
    "9": "~3.6,1.6 2.6,.2 1,.3 .3,1.8 1.2,3 2.7,2.7 3.6,1.6 3.5,3.6 2.8,6",
    "A": "0,6 2,0 4,6|.8,3.8 3.2,3.8",
    "B": "0,0 0,6|~0,0 2.6,.1 3.4,1.4 2.4,2.7 0,2.9|~0,2.9 3,3.1 3.8,4.5 2.8,5.8 0,6",
    "C": "~3.8,1 2.4,0 .8,.7 0,3 .8,5.3 2.4,6 3.9,5",
    "D": "0,0 0,6|~0,0 2.4,.2 3.9,1.7 3.9,4.3 2.4,5.8 0,6",
    "E": "3.8,0 0,0 0,6 3.8,6|0,3 3,3",
    "F": "3.8,0 0,0 0,6|0,2.9 3,2.9",
    "G": "~3.7,1 2.3,0 .7,.8 0,3 .8,5.3 2.3,6 3.7,5.3 3.8,3.4|3.8,3.4 2.2,3.4",
    "H": "0,0 0,6|4,0 4,6|0,3 4,3",
    "I": "2,0 2,6|.8,0 3.2,0|.8,6 3.2,6",
    "J": "~3,0 3,3 2.9,5 1.8,6 .3,5.2 .2,4.2|1,0 4,0",
    "K": "0,0 0,6|3.8,0 0,3.4|1.2,2.4 4,6",
    "L": "0,0 0,6 3.6,6",
    "M": "0,6 .3,0 2,3.6 3.7,0 4,6",
    "N": "0,6 0,0 4,6 4,0",
    "O": "~2,0 .3,.9 0,3 .4,5.2 2,6 3.7,5.1 4,3 3.6,.8 2,0",
    "P": "0,6 0,0|~0,0 2.8,.1 3.8,1.5 2.8,3 0,3.2",
    "Q": "~2,0 .4,.9 0,3 .4,5.1 2,6 3.6,5.1 4,3 3.6,.9 2,0|2.4,4.2 4.2,6.4",
    "R": "0,6 0,0|~0,0 2.8,.1 3.7,1.4 2.7,2.9 0,3.1|1.4,3.1 4,6",
    "S": "~3.6,.8 2,0 .5,.8 .6,2.2 2,2.9 3.5,3.8 3.6,5.2 2,6 .3,5.2",
    "T": "0,0 4,0|2,0 2,6",
    "U": "~0,0 0,3 .3,5.1 2,6 3.7,5.1 4,3 4,0",
    "V": "0,0 2,6 4,0",
    "W": "0,0 1,6 2,1.8 3,6 4,0",
    "X": "0,0 4,6|4,0 0,6",
    "Y": "0,0 2,3 4,0|2,3 2,6",
    "Z": "0,0 4,0 0,6 4,6",
    "a": "~3.4,2.6 1.8,2 .4,3 .2,4.6 1.2,6 2.6,5.6 3.4,4|~3.5,2.1 3.5,4.4 4,6",
    "b": "0,0 0,6|~0,3.4 1.8,2.4 3.4,3 3.6,4.8 2.4,6 .9,5.9 0,5.2",
    "d": "3.6,0 3.6,6|~3.6,3.2 2,2.4 .4,3.1 .1,4.8 1.2,6 2.6,5.8 3.6,4.8",
    "e": "~.2,4 3.5,3.8 3.2,2.5 2,2 .6,2.7 .1,4.2 .8,5.6 2.2,6 3.6,5.2",
    "f": "~3.4,.6 2.4,0 1.5,.8 1.4,3 1.4,6|0,2.6 3,2.6",
    "g": "~3.4,1 1.8,.3 .4,1 .3,2.5 1.6,3.3 3.3,2.4|~3.4,.4 3.4,3 3.2,5.4 1.8,6.2 .2,5.4",
    "h": "0,0 0,6|~0,3.8 1.4,2.5 2.9,2.7 3.4,4 3.4,6",
    "n": "0,2 0,6|~0,3.6 1.4,2.1 2.9,2.3 3.5,3.8 3.5,6",
    "q": "~3.2,1 1.8,.2 .4,.9 .2,2.3 1.3,3.3 2.6,2.9 3.2,1.9|3.3,.3 3.2,6 4,5.4",
    "r": "0,2 0,6|~0,3.8 1,2.4 2.4,2 3.2,2.4",
    "t": "~1.6,0 1.6,3 1.7,5.2 2.6,6 3.5,5.4|0,1.8 3.2,1.8",
}


def draw(character: str, rng: np.random.Generator, side: int = 64) -> Grey:
    """`character` in dark ink on light paper, (side, side) uint8, never twice the same."""
    paper, pen = rng.uniform(205, 250), rng.uniform(15, 80)
    noise = rng.normal(0, 3, (side, side))
    mixed = paper + (pen - paper) * (glyph(character, rng, side) / 255.0) + noise
    return np.clip(mixed, 0, 255).astype(np.uint8)


def glyph(character: str, rng: np.random.Generator, side: int = 28) -> Grey:
    """`character` as data sets have it: (side, side) uint8, bright on black."""
    return inked(STROKES[character], rng, side)


def inked(strokes: str, rng: np.random.Generator, side: int = 28) -> Grey:
    """A drawing in the notation of STROKES: (side, side) uint8, bright on black."""
    ink = np.zeros((side * 4, side * 4), np.uint8)
    width = int(rng.uniform(0.06, 0.09) * ink.shape[0])
    for line in _place(_lines(strokes), rng, side * 4):
        points = (line * 16).round().astype(np.int32)
        cv2.polylines(ink, [points], False, 255, width, cv2.LINE_AA, shift=4)
    small = cv2.resize(ink, (side, side), interpolation=cv2.INTER_AREA)
    return as_grey(small)


def _lines(text: str) -> list[npt.NDArray[np.float64]]:
    """The strokes of a drawing, each as points (n, 2)."""
    lines: list[npt.NDArray[np.float64]] = []
    for run in text.split("|"):
        smooth = run.startswith("~")
        points = np.array([[float(n) for n in point.split(",")] for point in run.strip("~ ").split()])
        lines.append(_smooth(points) if smooth else points)
    return lines


def _smooth(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Catmull-Rom through the points, 8 steps a piece."""
    padded = np.vstack([points[0], points, points[-1]])
    steps = np.linspace(0, 1, 8, endpoint=False)[:, None]
    pieces = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        pieces.append(
            0.5
            * (
                2 * b
                + (c - a) * steps
                + (2 * a - 5 * b + 4 * c - d) * steps**2
                + (3 * b - a - 3 * c + d) * steps**3
            )
        )
    return np.vstack([*pieces, points[-1:]])


def _place(
    lines: list[npt.NDArray[np.float64]], rng: np.random.Generator, side: int
) -> list[npt.NDArray[np.float64]]:
    angle, shear = rng.normal(0, 0.06), rng.normal(0, 0.08)
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, -sin], [sin, cos]]) @ np.array([[1, shear], [0, 1]])
    scale = side * rng.uniform(0.105, 0.13) * np.array([rng.uniform(0.85, 1.15), 1.0])
    middle = side * (0.5 + rng.uniform(-0.05, 0.05, 2))
    return [
        ((line - (2, 3)) * scale + rng.normal(0, side * 0.006, line.shape)) @ turn.T + middle
        for line in lines
    ]
