"""Two or three characters where one is wanted: touching, or side by side."""

from collections.abc import Callable

import numpy as np

from model.files.images import Grey
from model.ink.mask import strip

from .pictures import Rng, margins, written


def touching(pool: Grey, rng: Rng) -> Grey:
    """Two characters that touch or overlap."""
    return margins(_beside(pool, rng, lambda height: rng.uniform(-0.12, -0.01) * height), rng)


def neighbours(pool: Grey, rng: Rng) -> Grey:
    """Two characters with a gap."""
    return margins(_beside(pool, rng, lambda height: rng.uniform(0.05, 0.5) * height), rng)


def _beside(pool: Grey, rng: Rng, gap: Callable[[int], float]) -> Grey:
    """Two characters, now and then three, by one hand and pen; `gap` gives their distance by height."""
    hand, count = rng.integers(1 << 32), 2 + (rng.random() < 0.15)
    glyphs = pool[rng.integers(len(pool), size=count)]
    inks = [written(glyph, np.random.default_rng(hand)) for glyph in glyphs]
    height = max(ink.shape[0] for ink in inks)
    first, *others = (_on_line(ink, height, rng) for ink in inks)
    for ink in others:
        first = _joined(first, ink, gap(height))
    return strip(first)


def _joined(left: Grey, right: Grey, gap: float) -> Grey:
    """Two inks of one height, `gap` pixels apart where they are closest."""
    shift = max(1, round(left.shape[1] - _room(left, right) + gap))
    both = np.zeros((len(left), max(left.shape[1], shift + right.shape[1])), np.uint8)
    both[:, : left.shape[1]] = left
    part = both[:, shift : shift + right.shape[1]]
    np.maximum(part, right, out=part)
    return both


def _on_line(ink: Grey, height: int, rng: Rng) -> Grey:
    """`ink` in a strip of `height`, its feet at the bottom or a little above."""
    free = height - len(ink)
    above = max(0, free - int(rng.integers(0, 1 + round(0.08 * height))))
    return np.pad(ink, ((above, free - above), (0, 0)))


def _room(left: Grey, right: Grey) -> int:
    """How far two inks side by side can be pushed together before they touch."""
    both = left.any(axis=1) & right.any(axis=1)
    if not both.any():
        return 0
    after = (left[both, ::-1] > 0).argmax(axis=1)
    before = (right[both] > 0).argmax(axis=1)
    return int((after + before).min())
