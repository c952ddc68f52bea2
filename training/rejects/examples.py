"""What the screen is trained and chosen on: glyphs of one character, of several, and of none."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np

from model.card import Normalization
from model.files.images import Grey
from model.ink.normalization import normalize

from ..sets.data import Array, Set, join
from .junk import NONE, SEVERAL, Kind
from .pictures import Rng, character, margins, photograph

NORMALIZATIONS: tuple[Normalization, ...] = ("emnist", "emnist", "mnist")
"""One is drawn for each glyph: two networks of three frame a character as EMNIST does."""

UNCHANGED = 0.4
"""The share of characters taken from their data set as they are, not drawn as scans."""

CHUNK = 500
"""How many glyphs one process makes from one seed, and how many characters it is given for that."""


@dataclass(frozen=True)
class Pools:
    """Characters (n, 28, 28) that were framed by either normalization."""

    emnist: Array
    mnist: Array

    def some(self, count: int, rng: Rng) -> "Pools":
        """`count` random characters of each."""
        return Pools(*(pool[rng.integers(len(pool), size=count)] for pool in (self.emnist, self.mnist)))


def examples(pools: Pools, a_class: int, seed: int) -> Set:
    """`a_class` glyphs each of: 0 one character, 1 several, 2 none (see model.screen.CLASSES)."""
    counts = [min(CHUNK, a_class - at) for at in range(0, a_class, CHUNK)] * len(MAKERS)
    classes = np.repeat(np.arange(len(MAKERS)), len(counts) // len(MAKERS)).tolist()
    seeds = [[seed, number] for number in range(len(counts))]
    some = (pools.some(CHUNK, np.random.default_rng(each)) for each in seeds)
    if len(counts) == len(MAKERS):
        return join(list(map(_chunk, classes, some, counts, seeds)))
    with ProcessPoolExecutor() as processes:
        return join(list(processes.map(_chunk, classes, some, counts, seeds)))


def drawn(pool: Array, rng: Rng) -> Grey:
    """Ink of one character with paper around it; now and then cut out tightly."""
    ink = character(pool, rng)
    return ink if rng.random() < 0.05 else margins(ink, rng)


def _chunk(label: int, pools: Pools, count: int, seed: list[int]) -> Set:
    glyphs = MAKERS[label](pools, count, np.random.default_rng(seed))
    return Set(glyphs, np.full(count, label, np.uint8))


def _characters(pools: Pools, count: int, rng: Rng) -> Array:
    unchanged = round(UNCHANGED * count)
    digits = unchanged // 3
    scans = islice(_glyphs(lambda: drawn(pools.emnist, rng), rng), count - unchanged)
    return np.concatenate([pools.mnist[:digits], pools.emnist[: unchanged - digits], list(scans)])


def _junk(kinds: Mapping[str, Kind], pools: Pools, count: int, rng: Rng) -> Array:
    """Junk of all `kinds`, each equally likely."""
    draws = list(kinds.values())
    found = _glyphs(lambda: draws[int(rng.integers(len(draws)))](pools.emnist, rng), rng)
    return np.stack(list(islice(found, count)))


def _glyphs(ink: Callable[[], Grey], rng: Rng) -> Iterator[Grey]:
    """Photographs of `ink`, as the service normalizes them; what it finds blank needs no screen."""
    while True:
        normalization = NORMALIZATIONS[rng.integers(len(NORMALIZATIONS))]
        pixels = normalize(photograph(ink(), rng), normalization).pixels
        if pixels.any():
            yield pixels


MAKERS: tuple[Callable[[Pools, int, Rng], Array], ...] = (
    _characters,
    partial(_junk, SEVERAL),
    partial(_junk, NONE),
)
