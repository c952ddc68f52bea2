"""What is sent in place of a character, drawn by ourselves: paper, scribbles, parts, pairs.

A kind is a function of a pool of characters (n, 28, 28) and a generator; it returns ink, bright on dark.
"""

from collections.abc import Callable

import cv2
import numpy as np

from model.drawn import inked
from model.files.images import Grey, as_grey
from model.ink.mask import strip

from .pairs import neighbours, touching
from .pictures import Rng, character, margins

PUNCTUATION = {
    ".": "2,5.9 2,6.1",
    ",": "2.2,5.2 2.2,5.8 1.6,6.6",
    "-": ".6,3 3.4,3",
    ":": "2,2 2,2.2|2,4.8 2,5",
    ";": "2,2 2,2.2|2.1,4.6 2.1,5 1.6,5.8",
    "!": "2,0 2,4.2|2,5.9 2,6.1",
    "'": "2,.2 1.8,1.6",
    '"': "1.4,.2 1.3,1.6|2.7,.2 2.6,1.6",
    "/": "3.6,0 .4,6",
    "(": "~2.6,0 1.5,1.4 1.1,3 1.5,4.6 2.6,6",
    ")": "~1.4,0 2.5,1.4 2.9,3 2.5,4.6 1.4,6",
    "+": "2,1.2 2,4.8|.2,3 3.8,3",
    "=": ".4,2.3 3.6,2.3|.4,3.9 3.6,3.9",
}
"""In the notation of model.drawn.STROKES."""

Kind = Callable[[Grey, Rng], Grey]


def blank(pool: Grey, rng: Rng) -> Grey:
    """Paper with nothing on it."""
    return np.zeros(rng.integers(30, 120, 2), np.uint8)


def noise(pool: Grey, rng: Rng) -> Grey:
    """Grain strong enough to be taken for ink: fine, or in clots."""
    grain = rng.random(rng.integers(30, 120, 2)).astype(np.float32)
    soft = cv2.GaussianBlur(grain, (0, 0), rng.uniform(0.4, 3))
    level = np.quantile(soft, rng.uniform(0.75, 0.98))
    return np.where(soft > level, np.uint8(255), np.uint8(0))


def smudge(pool: Grey, rng: Rng) -> Grey:
    """One to three soft blots."""
    side = int(rng.integers(50, 120))
    ink = np.zeros((side, side), np.uint8)
    for _ in range(rng.integers(1, 4)):
        middle, axes = rng.uniform(0.3, 0.7, 2) * side, rng.uniform(0.06, 0.28, 2) * side
        box = (middle.tolist(), (2 * axes).tolist(), rng.uniform(0, 180))
        cv2.ellipse(ink, box, rng.uniform(120, 255), -1, cv2.LINE_AA)
    return as_grey(cv2.GaussianBlur(ink, (0, 0), rng.uniform(1, 6)))


def scribble(pool: Grey, rng: Rng) -> Grey:
    """A pen tried out, a word crossed out, loops: one long line."""
    count = int(rng.integers(9, 24))
    points = rng.uniform((-1, -0.5), (5, 6.5), (count, 2))
    way = rng.random()
    if way < 0.35:  # to and fro
        points[:, 0] = np.where(np.arange(count) % 2, 4.5, -0.5) + rng.normal(0, 0.5, count)
        points[:, 1] = np.linspace(rng.uniform(0, 2), rng.uniform(4, 6.5), count)
    elif way < 0.6:  # loops
        angle = np.arange(count) * rng.uniform(1.2, 2.2)
        drift = np.linspace(0, rng.uniform(0.5, 4), count)
        points = np.stack([1 + drift + 1.3 * np.cos(angle), 3 + 2 * np.sin(angle)], 1)
    line = " ".join(f"{x:.2f},{y:.2f}" for x, y in points)
    return margins(strip(inked("~" + line, rng, int(rng.integers(50, 120)))), rng)


def rule(pool: Grey, rng: Rng) -> Grey:
    """What is left of ruled paper: level lines, from edge to edge or not, or the corner of a box."""
    height, width = (int(side) for side in rng.integers(40, 120, 2))
    ink, pen = np.zeros((height, width), np.uint8), int(rng.integers(1, 6))
    low, high = (0, width) if rng.random() < 0.5 else sorted(rng.uniform(0.05, 0.95, 2) * width)
    for _ in range(rng.integers(1, 4)):
        at = rng.uniform(0.1, 0.9) * height
        end = int(max(high, low + 12)), int(at + rng.normal(0, 0.04) * height)
        cv2.line(ink, (int(low), int(at)), end, 255, pen, cv2.LINE_AA)
    if rng.random() < 0.4:
        across = int(rng.uniform(0.1, 0.9) * width)
        cv2.line(ink, (across, 0), (across, height), 255, pen, cv2.LINE_AA)
    return ink


def punctuation(pool: Grey, rng: Rng) -> Grey:
    """One of PUNCTUATION, as large as beside characters of 40 to 130 pixels."""
    drawing = PUNCTUATION[rng.choice(list(PUNCTUATION))]
    return margins(strip(inked(drawing, rng, int(rng.integers(50, 140)))), rng)


def half_cut(pool: Grey, rng: Rng) -> Grey:
    """Half a character, the other half beyond the edge of the picture."""
    ink, cut = _half(pool, rng)
    return margins(ink, rng, cut)


def half_alone(pool: Grey, rng: Rng) -> Grey:
    """Half a character with paper all round: badly cut out, or badly written."""
    return margins(_half(pool, rng)[0], rng)


SEVERAL: dict[str, Kind] = {"touching": touching, "neighbours": neighbours}
NONE: dict[str, Kind] = {
    "blank paper": blank,
    "noise": noise,
    "smudges": smudge,
    "scribbles": scribble,
    "ruled lines": rule,
    "punctuation": punctuation,
    "half, cut off": half_cut,
    "half, alone": half_alone,
}
KINDS = NONE | SEVERAL


def _half(pool: Grey, rng: Rng) -> tuple[Grey, str]:
    """Ink on one side of a cut near the middle, and which side of it was cut."""
    ink, at = character(pool, rng), rng.uniform(0.42, 0.58)
    while ink.shape[1] < 0.45 * ink.shape[0]:  # half a stroke is a stroke
        ink = character(pool, rng)
    row, column = (max(1, round(at * side)) for side in ink.shape)
    upright = rng.random() < ink.shape[1] / sum(ink.shape)  # a narrow one is cut across
    side = rng.choice(["l", "r"] if upright else ["t", "b"])
    parts = {"l": ink[:, column:], "r": ink[:, :column], "t": ink[row:], "b": ink[:row]}
    return (parts[side] if parts[side].any() else ink), str(side)
