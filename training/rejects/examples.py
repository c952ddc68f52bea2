"""What the screen is trained and chosen on: glyphs of one character, of several, and of none."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from model.card import Recipe
from model.images import Grey
from model.normalization import normalize

from ..sets.data import Array, Set, join
from .junk import NONE, SEVERAL, Kind
from .pictures import Rng, character, margins, photograph

RECIPES: tuple[Recipe, ...] = ("emnist", "emnist", "mnist")
"""Drawn from: two networks of three frame a character as EMNIST does."""

UNCHANGED = 0.4
"""The share of characters shown as their data set has them, not drawn as a scan."""


@dataclass(frozen=True)
class Pools:
    """Characters (n, 28, 28) that were framed by each recipe."""

    emnist: Array
    mnist: Array


def examples(pools: Pools, a_class: int, seed: int) -> Set:
    """`a_class` glyphs each of: 0 one character, 1 several, 2 none (see model.screen.CLASSES)."""
    rng = np.random.default_rng(seed)
    several, none = list(SEVERAL.values()), list(NONE.values())
    classes = (
        _characters(pools, a_class, rng),
        _scans(lambda: _one_of(several, rng)(pools.emnist, rng), a_class, rng),
        _scans(lambda: _one_of(none, rng)(pools.emnist, rng), a_class, rng),
    )
    return join([Set(found, np.full(len(found), at, np.uint8)) for at, found in enumerate(classes)])


def drawn(pool: Array, rng: Rng) -> Grey:
    """Ink of one character with paper round it; now and then cut out tightly."""
    ink = character(pool, rng)
    return ink if rng.random() < 0.05 else margins(ink, rng)


def _characters(pools: Pools, count: int, rng: Rng) -> Array:
    unchanged = round(UNCHANGED * count)
    digits = pools.mnist[rng.integers(len(pools.mnist), size=unchanged // 3)]
    others = pools.emnist[rng.integers(len(pools.emnist), size=unchanged - len(digits))]
    scans = _scans(lambda: drawn(pools.emnist, rng), count - unchanged, rng)
    return np.concatenate([digits, others, scans])


def _scans(ink: Callable[[], Grey], count: int, rng: Rng) -> Array:
    """Glyphs that the service makes of photographs of `ink`; what it finds blank needs no screen."""
    found = _glyphs(ink, rng)
    return np.stack([next(found) for _ in range(count)])


def _glyphs(ink: Callable[[], Grey], rng: Rng) -> Iterator[Grey]:
    while True:
        recipe = RECIPES[rng.integers(len(RECIPES))]
        pixels = normalize(photograph(ink(), rng), recipe).pixels
        if pixels.any():
            yield pixels


def _one_of(kinds: Sequence[Kind], rng: Rng) -> Kind:
    return kinds[int(rng.integers(len(kinds)))]
