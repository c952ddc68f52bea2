"""A training glyph becomes a photograph of it: another hand, another pen, paper, light and a camera.

Pure functions of an image and a generator; `rejects` uses them to draw what users send.
"""

import cv2
import numpy as np

from model.files.images import Grey, as_grey
from model.glyph import SIDE
from model.scaling import odd

LEAST_SIDE, GREATEST_SIDE = 36, 150
"""The photograph's side in pixels, drawn uniformly on a logarithmic scale, as resolutions are."""

FILLED = 0.8
"""The share of the photograph's side that the glyph's side takes."""

CORE, WIDEST = 1.2, 4.5
"""The narrowest and the widest pen, in pixels of the glyph."""


def enlarge(glyph: Grey, rng: np.random.Generator) -> Grey:
    """The glyph as another hand writes it, larger: turned, slanted, wider or narrower, with a margin."""
    side = round(np.exp(rng.uniform(np.log(LEAST_SIDE), np.log(GREATEST_SIDE))))
    angle, slant, aspect = rng.normal(0, 0.08), rng.normal(0, 0.15), rng.normal(0, 0.12)
    cos, sin = np.cos(angle), np.sin(angle)
    turned = np.array([[cos, -sin], [sin, cos]]) @ np.array([[1, slant], [0, 1]])
    matrix = turned * np.exp([aspect, -aspect]) * side / SIDE * FILLED
    centre = np.full(2, (side - 1) / 2) - matrix @ np.full(2, (SIDE - 1) / 2)
    whole = np.hstack([matrix, centre[:, None]])
    return as_grey(cv2.warpAffine(glyph, whole, (side, side), flags=cv2.INTER_CUBIC))


def with_pen(ink: Grey, rng: np.random.Generator) -> Grey:
    """`ink` (side, side) redrawn with smooth edges by a pen of random width, whatever pen drew it."""
    unit = len(ink) / SIDE * FILLED
    smooth = cv2.GaussianBlur(ink, (0, 0), 0.5 * unit)
    _, mask = cv2.threshold(smooth, 90, 255, cv2.THRESH_BINARY)
    line = middle(as_grey(mask), unit * CORE / 2)
    if not line.any():
        return ink
    away = cv2.distanceTransform(255 - line, cv2.DIST_L2, 3)
    reach = rng.uniform(0, WIDEST - CORE) * unit / 2
    edge = np.clip(reach + 1 - away, 0, 1) * 255
    return np.asarray(edge).astype(np.uint8)


def middle(mask: Grey, half: float) -> Grey:
    """A mask of the middle of each stroke of `mask`, about `half` pixels to each side of the centre."""
    inside = cv2.distanceTransform(mask, cv2.DIST_L2, 3)
    around = odd(round(1.5 * cv2.mean(inside, mask)[0]))
    ridge = cv2.dilate(inside, np.ones((around, around), np.uint8))
    core = (inside > 0) & ((inside >= ridge - half) | (inside >= 0.75 * ridge))
    return np.where(core, np.uint8(255), np.uint8(0))


def on_paper(ink: Grey, rng: np.random.Generator) -> Grey:
    """A photograph of `ink` (h, w; 255 is full ink) on paper: uneven light, out of focus, with grain."""
    paper, dark = rng.uniform(150, 250), rng.uniform(10, 90)
    blur = rng.uniform(0.3, 0.3 + max(ink.shape) / 80)
    soft = cv2.GaussianBlur(ink, (0, 0), blur).astype(np.float32) / 255
    steep = rng.uniform(0, 0.15)
    down, right = (np.linspace(-steep, steep, side, dtype=np.float32) for side in ink.shape)
    light = 1 + down[:, None] * rng.choice([-1, 1]) + right[None, :] * rng.choice([-1, 1])
    grain = rng.standard_normal(ink.shape, np.float32) * rng.uniform(0, 8)
    photo = np.clip((paper + (dark - paper) * soft) * light + grain, 0, 255)
    return np.asarray(photo).astype(np.uint8)
