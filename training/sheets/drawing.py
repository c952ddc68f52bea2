"""What drawn sheets have in common: ink on a canvas, then paper, light, a scanner or a camera."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from model.files.images import Grey, as_grey
from model.layout import Box

Floats = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]

TONES = (246.0, 226.0, 190.0)
"""White, cream and grey paper."""


@dataclass(frozen=True)
class Placed:
    """A character on a sheet: the box of its ink, or of its cell; `index` of its image, -1 if blank."""

    box: Box
    line: int
    word: int
    index: int


@dataclass(frozen=True)
class Drawn:
    """`pixels` as uploaded, and what stands on it in reading order."""

    pixels: Grey
    placed: list[Placed]


@dataclass(frozen=True)
class Taking:
    """How a sheet becomes pixels: `degrees` askew, `tilt` of the far side (0.02: 4 % narrower)."""

    degrees: float
    tone: float
    pen: float
    grain: float
    tilt: float = 0.0
    shadow: float = 0.0
    quality: int = 0
    """The quality of a JPEG; 0: not compressed."""


def scanned(rng: np.random.Generator) -> Taking:
    """A flatbed scanner: up to 5 degrees askew, grain, one of three tones of paper."""
    return Taking(
        degrees=rng.uniform(-5, 5),
        tone=float(rng.choice(TONES)),
        pen=rng.uniform(15, 80),
        grain=rng.uniform(1, 6),
    )


def photographed(rng: np.random.Generator) -> Taking:
    """A camera: as a scanner, and with perspective, a soft shadow and JPEG."""
    return Taking(
        degrees=rng.uniform(-5, 5),
        tone=float(rng.choice(TONES)),
        pen=rng.uniform(15, 80),
        grain=rng.uniform(2, 8),
        tilt=rng.uniform(-0.02, 0.02),
        shadow=rng.uniform(0.2, 0.5),
        quality=int(rng.integers(60, 91)),
    )


def enlarged(glyph: Grey, height: float) -> Floats:
    """A (28, 28) glyph so large that 24 of its rows are `height` pixels, with a pen's edge: 0..1."""
    side = round(28 * height / 24)
    large = cv2.resize(glyph, (side, side), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    soft = cv2.GaussianBlur(large, (0, 0), 0.02 * height)
    ink = np.clip((soft - 90) / 75, 0, 1)
    return np.asarray(ink, np.float32)


def put(canvas: Floats, ink: Floats, left: int, top: int) -> None:
    """Draw `ink` on `canvas`, which must have room for it."""
    height, width = ink.shape
    place = canvas[top : top + height, left : left + width]
    np.maximum(place, ink, out=place)


def bounds(ink: Floats) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the pixels that are more ink than paper."""
    rows, columns = np.flatnonzero((ink > 0.5).any(1)), np.flatnonzero((ink > 0.5).any(0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def take(canvas: Floats, how: Taking, rng: np.random.Generator) -> tuple[Grey, Matrix]:
    """Pixels of the inked sheet, and the map (3, 3) from the canvas to them."""
    height, width = canvas.shape
    there = _view(width, height, how)
    ink = cv2.warpPerspective(canvas, there, (width, height), flags=cv2.INTER_LINEAR)
    paper = how.tone * _light(width, height, how.shadow, rng)
    mixed = paper * (1 - ink * (1 - how.pen / 255))
    mixed += rng.standard_normal(mixed.shape, np.float32) * np.float32(how.grain)
    pixels = np.clip(mixed, 0, 255).astype(np.uint8)
    if how.quality:
        file = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, how.quality])[1]
        pixels = as_grey(np.asarray(cv2.imdecode(file, cv2.IMREAD_GRAYSCALE)))
    return pixels, there


def seen(points: npt.NDArray[np.floating], there: Matrix) -> Box:
    """The box around canvas points (n, 2), mapped to the pixels by `there`."""
    moved = cv2.perspectiveTransform(points.astype(np.float64)[:, None], there)[:, 0]
    (left, top), (right, bottom) = np.floor(moved.min(axis=0)), np.ceil(moved.max(axis=0))
    return Box(int(left), int(top), int(right - left), int(bottom - top))


def _view(width: int, height: int, how: Taking) -> Matrix:
    turned = np.vstack([cv2.getRotationMatrix2D((width / 2, height / 2), -how.degrees, 1), [0, 0, 1]])
    inset = how.tilt * width
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    ends = corners + np.array([[inset, 0], [-inset, 0], [0, 0], [0, 0]], np.float32)
    return np.asarray(cv2.getPerspectiveTransform(corners, ends) @ turned)


def _light(width: int, height: int, shadow: float, rng: np.random.Generator) -> Floats:
    """Light (h, w) around 1: it falls off a little, and a soft `shadow` lies over one side."""
    across, down = np.linspace(0, 1, width), np.linspace(0, 1, height)[:, None]
    light = 1 - 0.06 * rng.random() * across - 0.06 * rng.random() * down
    if shadow:
        edge = rng.uniform(0.25, 0.75) + rng.uniform(-0.2, 0.2) * down
        light = light * (1 - shadow / (1 + np.exp((edge - across) * 25)))
    return np.asarray(light, np.float32)
