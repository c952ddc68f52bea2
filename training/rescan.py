"""Training images as the service shows them: photographed by us, then read by its own normaliser.

Networks that saw only cut and centred images take the width of a pen for a sign of the character, and
know nothing of what a normaliser leaves behind.
"""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from model.card import Recipe as Normalisation
from model.normalization import to_glyph
from model.storage import whole

from .photograph import photograph
from .prior import characters
from .progress import console
from .recipe import Recipe
from .sets.data import Array, Set, Split
from .sets.tasks import SPLIT_SEED, TASKS

CHUNK = 1000
PROBE = 50
"""Where a rescan of this many images comes out otherwise than before, all are made anew."""


@dataclass(frozen=True)
class Rescans:
    """`images` (n, 28, 28) uint8 show the training images `rows` (n,)."""

    images: torch.Tensor
    rows: torch.Tensor

    def among(
        self, images: torch.Tensor, rows: torch.Tensor, share: float, rng: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """`images` of the `rows`, a `share` of them replaced; and the rows that are shown now."""
        count = round(share * len(rows))
        those = torch.randint(len(self.rows), (count,), generator=rng)
        shown = torch.cat([self.rows[those], rows[count:]])
        return torch.cat([self.images[those], images[rows[count:]]]), shown


def rescanned(recipe: Recipe, split: Split, runs: Path) -> Rescans | None:
    """What `recipe` wants of the training images of `split`, every class equally often."""
    if not recipe.rescans:
        return None
    task = TASKS[recipe.task]
    rows = even_rows(split.train, task.labels, recipe.rescans, recipe.seed)
    images = _kept(split.train.images[rows], task.normalisation, recipe.seed, runs)
    return Rescans(torch.from_numpy(images), torch.from_numpy(rows))


def with_rescans(data: Set, recipe: Recipe, runs: Path) -> Set:
    """`data` and, where `recipe` trains on rescans, a rescan of each of its images."""
    if not recipe.rescans:
        return data
    kind = TASKS[recipe.task].normalisation
    images = _kept(data.images, kind, SPLIT_SEED, runs)
    return Set(np.concatenate([data.images, images]), np.concatenate([data.labels, data.labels]))


def even_rows(
    data: Set, labels: str, a_character: int, seed: int
) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Rows of `a_character` images of each character there is, those of a rare one several times.

    A class of both cases is two characters: without its size, which a scan does not tell, a ring is an
    O, an o or a zero, and as often each.
    """
    rng = np.random.default_rng(seed)
    rows = [np.flatnonzero(data.labels == each) for each in range(len(labels))]
    counts = [a_character * characters(label, labels) for label in labels]
    return np.concatenate(
        [
            np.resize(rng.permutation(those), count if len(those) else 0)
            for those, count in zip(rows, counts, strict=True)
        ]
    )


def rescan(images: Array, kind: Normalisation, seed: Sequence[int]) -> Array:
    """(n, 28, 28) glyphs, bright on dark -> the same characters after pen, camera and normaliser."""
    rng = np.random.default_rng(seed)
    return np.stack([to_glyph(photograph(image, rng), kind) for image in images])


def _kept(images: Array, kind: Normalisation, seed: int, runs: Path) -> Array:
    """Rescans of `images`; kept in `runs`/.seen for the next network."""
    probe = rescan(images[:PROBE], kind, (seed, 0))
    key = hashlib.sha256(images.tobytes() + probe.tobytes())
    path = runs / ".seen" / f"{key.hexdigest()[:16]}.npy"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = _made(images, kind, seed)
        with whole(path) as draft, draft.open("wb") as file:
            np.save(file, made)
    kept: Array = np.load(path, allow_pickle=False)
    return kept


def _made(images: Array, kind: Normalisation, seed: int) -> Array:
    console.print(f"rescanning {len(images):,} images")
    chunks = [images[at : at + CHUNK] for at in range(0, len(images), CHUNK)]
    seeds = [(seed, number) for number in range(len(chunks))]
    with ProcessPoolExecutor() as processes:
        made = processes.map(partial(_rescan, kind), chunks, seeds)
        return np.concatenate(list(made))


def _rescan(kind: Normalisation, images: Array, seed: Sequence[int]) -> Array:
    return rescan(images, kind, seed)
