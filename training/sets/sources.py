"""Where a task's images may come from: sets that belong together, and are never mixed with others."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .catalogue import (
    BALANCED,
    BALANCED_TEST,
    BALANCED_TRAIN,
    LETTERS,
    LETTERS_TEST,
    LETTERS_TRAIN,
    MNIST_TEST,
    MNIST_TRAIN,
    OWN_BALANCED,
    OWN_BALANCED_TEST,
    OWN_LETTERS,
    OWN_LETTERS_TEST,
    Known,
    find_file,
)
from .data import SPLIT_SEED, PartialLabels, Set, Split, hold_out, hold_out_images, join
from .readers.idx import read_idx
from .readers.meaning import NO_LABEL


@dataclass(frozen=True)
class Source:
    """`train`, less `held_out` images a class to choose on, and `test`, which `measured_on` describes.

    Two sources are never mixed: the splits of EMNIST are independent draws of the same images, so that
    the test set of one lies in the training images of another. Two sources of the same images hold out
    the same ones: what `beside` holds out is held out here too, and nothing else, since a network of
    that source may be the start or the teacher of a network of this one. Such sources are of one
    `family`: the test set of neither is in the training images of the other.
    """

    train: tuple[Known, ...]
    test: Known
    held_out: int
    measured_on: str
    family: str
    partial_labels: Callable[[Path], PartialLabels | None] | None = None
    beside: "Source | None" = None

    @property
    def sets(self) -> tuple[Known, ...]:
        """All sets that are read."""
        return (*self.train, self.test, *(self.beside.train if self.beside else ()))

    def missing(self, folder: Path) -> list[str]:
        """The files that are not in `folder`."""
        lacking = [known.missing(folder) for known in self.sets]
        return list(dict.fromkeys(name for names in lacking for name in names))

    def read(self, folder: Path) -> Split:
        """The split. Raises BadData."""
        parts = *self._cut(folder), self.test.read(folder)
        partial_labels = self.partial_labels(folder) if self.partial_labels else None
        return Split(*parts, self.measured_on, partial_labels)

    def _cut(self, folder: Path) -> tuple[Set, Set]:
        whole = join([known.read(folder) for known in self.train])
        if self.beside:
            return hold_out_images(whole, self.beside._cut(folder)[1].images)
        return hold_out(whole, self.held_out, SPLIT_SEED)


def read_caseless(folder: Path) -> PartialLabels | None:
    """Letters of our own pool whose case was not recorded: both the capital and the small one are
    possible.

    None if the file of the caseless labels is missing. Raises BadData.
    """
    cased, caseless = OWN_BALANCED[1], OWN_LETTERS[1]  # two labels of the same images
    if caseless.missing(folder):
        return None
    images, classes, letters = (
        read_idx(find_file(folder, name)) for name in (cased.images, cased.labels, caseless.labels)
    )
    rows = np.flatnonzero((classes == NO_LABEL) & (letters != NO_LABEL))
    possible = np.array([[label.upper() == letter for label in BALANCED] for letter in LETTERS])
    upright = np.ascontiguousarray(images.transpose(0, 2, 1)[rows])
    return PartialLabels(upright, possible[letters[rows] - 1])


OWN_47 = Source(
    OWN_BALANCED,
    OWN_BALANCED_TEST,
    100,
    "own 47-class EMNIST test, 9,400 images, 200 a class",
    "own EMNIST",
    read_caseless,
)
OFFICIAL_47 = Source(
    (BALANCED_TRAIN,), BALANCED_TEST, 100, "EMNIST Balanced test, 18,800 images", "EMNIST Balanced"
)
OWN_26 = Source(
    OWN_LETTERS,
    OWN_LETTERS_TEST,
    0,
    "own letters test of EMNIST, 13,000 images, 500 a letter",
    "own EMNIST",
    beside=OWN_47,
)
OFFICIAL_26 = Source(
    (LETTERS_TRAIN,), LETTERS_TEST, 200, "EMNIST Letters test, 20,800 images", "EMNIST Letters"
)
MNIST = Source((MNIST_TRAIN,), MNIST_TEST, 500, "MNIST test, 10,000 images", "MNIST")

DRAWN = "characters drawn by the project itself"
"""The `measured_on` of a network that has learned from no data set."""

SOURCES = {each.measured_on: each for each in (OWN_47, OFFICIAL_47, OWN_26, OFFICIAL_26, MNIST)}


def is_own(test: str) -> bool:
    """Whether the test set `test` (as in `measured_on`) is a person's own, so that nobody can tell who
    has learned from it."""
    return test not in SOURCES and test != DRAWN


def may_know(held_out: str, test: str) -> bool:
    """Whether a network trained with the test set `held_out` held out may have learned images of `test`.

    Both are given as in `measured_on`. All families are of the same forms, so only other characters are
    certainly new; a network of DRAWN characters knows none of them. False if `test` is not the test set
    of a source: nobody can tell.
    """
    measured, learned = SOURCES.get(test), SOURCES.get(held_out)
    if not measured or held_out == DRAWN:
        return False
    if not learned:
        return True
    common = set(measured.test.meaning.labels) & set(learned.test.meaning.labels)
    return measured.family != learned.family and bool(common)
