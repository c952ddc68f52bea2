"""Data sets as the rest of training sees them: upright images, labels, and a split into three parts."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.uint8]

SPLIT_SEED = 0
"""What is held out is the same for every run, whatever its own seed."""


class BadData(ValueError):
    """A data file is missing or broken; the text names it."""


@dataclass(frozen=True)
class Set:
    """`images` (n, 28, 28) uint8, upright, ink bright on dark; `labels` (n,) uint8."""

    images: Array
    labels: Array

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: npt.NDArray[np.intp]) -> "Set":
        """The set of these rows."""
        return Set(self.images[rows], self.labels[rows])


@dataclass(frozen=True)
class PartialLabels:
    """`images` (n, 28, 28) uint8 whose labels are known only in part (Cour et al. 2011): of each, one of
    the `candidates` (n, classes) is right."""

    images: Array
    candidates: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Split:
    """What is trained on, what is chosen on, and the test set, which `measured_on` describes in words.

    `partial_labels` and `scans` are more to train on; scans are drawn apart from the rest (see
    Recipe.scanned).
    """

    train: Set
    validation: Set
    test: Set
    measured_on: str
    partial_labels: PartialLabels | None = None
    scans: Set | None = None


def fingerprint(split: Split) -> str:
    """SHA-256 of everything that is trained on or chosen on."""
    digest = hashlib.sha256()
    for part in (split.train, split.validation, split.scans):
        if part:
            digest.update(part.labels.tobytes())
            digest.update(part.images.tobytes())
    if split.partial_labels:
        digest.update(split.partial_labels.images.tobytes())
    return digest.hexdigest()


def join(parts: Sequence[Set]) -> Set:
    """All `parts` in one set."""
    return Set(
        np.concatenate([part.images for part in parts]), np.concatenate([part.labels for part in parts])
    )


def hold_out(whole: Set, a_class: int, seed: int) -> tuple[Set, Set]:
    """Hold out `a_class` random images of each class: return the rest, and those.

    Raises BadData if a class has too few.
    """
    least = int(np.unique(whole.labels, return_counts=True)[1].min())
    if least <= a_class:
        raise BadData(f"a class has only {least} images, of which {a_class} are to be held out")
    return _cut(whole, lambda _: a_class, seed)


def hold_out_share(whole: Set, share: float, seed: int) -> tuple[Set, Set]:
    """Hold out a random `share` of each class: return the rest, and that.

    At least one image of a class is held out, unless it has only one.
    """
    return _cut(whole, lambda count: min(count - 1, max(1, round(count * share))), seed)


def digests(images: Array) -> Iterator[bytes]:
    """16 bytes for each of `images` (n, 28, 28): the same for equal ones."""
    return (hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in images)


def hold_out_images(whole: Set, held: Array) -> tuple[Set, Set]:
    """Hold out the images that are among `held` (n, 28, 28): return the rest, and those."""
    wanted = set(digests(held))
    found = np.array([digest in wanted for digest in digests(whole.images)])
    return whole.take(np.flatnonzero(~found)), whole.take(np.flatnonzero(found))


def _cut(whole: Set, wanted: Callable[[int], int], seed: int) -> tuple[Set, Set]:
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(whole.labels == each) for each in np.unique(whole.labels)]
    held = np.concatenate([rng.choice(rows, wanted(len(rows)), False) for rows in members])
    rest = np.setdiff1d(np.arange(len(whole)), held)
    return whole.take(rest), whole.take(held)
