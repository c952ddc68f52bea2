"""A training glyph becomes a photograph of it: another hand, another pen, paper, light and a camera.

Pure functions of an image and a generator; `rescan` shows what comes out to the service's normaliser.
"""

import cv2
import numpy as np

from model.images import Grey
from model.normalization import SIDE

LEAST_SIDE, GREATEST_SIDE = 36, 150
"""Pixels a side of the photograph; drawn evenly on a logarithmic scale, as resolutions are."""

FILLED = 0.8
"""The part of the photograph's side that a glyph's own side takes."""


def photograph(glyph: Grey, rng: np.random.Generator) -> Grey:
    """A glyph (28, 28) as a photograph of dark ink on light paper, 36 to 150 pixels a side."""
    return on_paper(with_pen(enlarge(glyph, rng), rng), rng)


def enlarge(glyph: Grey, rng: np.random.Generator) -> Grey:
    """The glyph by another hand, larger: turned, slanted, wider or narrower, with a margin."""
    side = round(np.exp(rng.uniform(np.log(LEAST_SIDE), np.log(GREATEST_SIDE))))
    angle, slant, aspect = rng.normal(0, 0.08), rng.normal(0, 0.15), rng.normal(0, 0.12)
    cos, sin = np.cos(angle), np.sin(angle)
    turned = np.array([[cos, -sin], [sin, cos]]) @ np.array([[1, slant], [0, 1]])
    matrix = turned * np.exp([aspect, -aspect]) * side / SIDE * FILLED
    centre = np.full(2, (side - 1) / 2) - matrix @ np.full(2, (SIDE - 1) / 2)
    whole = np.hstack([matrix, centre[:, None]])
    return np.asarray(cv2.warpAffine(glyph, whole, (side, side), flags=cv2.INTER_CUBIC)).astype(
        np.uint8, copy=False
    )


def with_pen(ink: Grey, rng: np.random.Generator) -> Grey:
    """The same line drawn by a pen of another width: its edge moved in or out, smooth."""
    _, mask = cv2.threshold(ink, 110, 255, cv2.THRESH_BINARY)
    inside, outside = (
        cv2.distanceTransform(np.asarray(each, np.uint8), cv2.DIST_L2, 3) for each in (mask, 255 - mask)
    )
    if not mask.any():
        return ink
    unit = len(ink) / SIDE * FILLED
    width = 4 * float(inside[mask > 0].mean())
    wanted = rng.uniform(1.0, 4.5) * unit
    move = np.clip(wanted - width, -0.45 * width, 1.6 * unit) / 2
    edge = np.clip(inside - outside + 0.5 + move, 0, 1) * 255
    return np.asarray(edge).astype(np.uint8)


def on_paper(ink: Grey, rng: np.random.Generator) -> Grey:
    """Ink (h, w), 255 where there is all of it, on paper in uneven light, out of focus, with grain."""
    paper, dark = rng.uniform(150, 250), rng.uniform(10, 90)
    blur = rng.uniform(0.3, 0.3 + max(ink.shape) / 80)
    soft = cv2.GaussianBlur(ink, (0, 0), blur).astype(np.float32) / 255
    steep = rng.uniform(0, 0.15)
    down, right = (np.linspace(-steep, steep, side, dtype=np.float32) for side in ink.shape)
    light = 1 + down[:, None] * rng.choice([-1, 1]) + right[None, :] * rng.choice([-1, 1])
    grain = rng.standard_normal(ink.shape, np.float32) * rng.uniform(0, 8)
    photo = np.clip((paper + (dark - paper) * soft) * light + grain, 0, 255)
    return np.asarray(photo).astype(np.uint8)
