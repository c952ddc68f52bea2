"""The first step of a training run: IDX files become upright images, labels and a split."""

import gzip
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model.idx import BadIdx, read_header

Array = npt.NDArray[np.uint8]

NO_LABEL = 255


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
        """The rows given."""
        return Set(self.images[rows], self.labels[rows])


@dataclass(frozen=True)
class Split:
    """What is trained on, what is chosen on, and what is touched once."""

    train: Set
    validation: Set
    test: Set


def read_idx(path: Path) -> Array:
    """The array in an IDX file (.gz or not). Raises BadData."""
    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
        header = read_header(content[:16])
    except (OSError, EOFError, BadIdx) as error:
        raise BadData(f"{path}: {error}") from error
    if len(content) - header.offset != math.prod(header.shape):
        raise BadData(f"{path}: the header promises {header.shape}, the file holds another number")
    return np.frombuffer(content, np.uint8, offset=header.offset).reshape(header.shape)


def read_set(images: Path, labels: Path, *, transposed: bool = False) -> Set:
    """A pair of IDX files without the images that have no label; `transposed` as EMNIST is."""
    pixels, classes = read_idx(images), read_idx(labels)
    if pixels.shape[1:] != (28, 28) or len(pixels) != len(classes):
        raise BadData(f"{images} and {labels.name}: {pixels.shape} images, {classes.shape} labels")
    upright = pixels.transpose(0, 2, 1) if transposed else pixels
    known = np.flatnonzero(classes != NO_LABEL)
    return Set(np.ascontiguousarray(upright[known]), classes[known])


def hold_out(whole: Set, a_class: int, seed: int) -> tuple[Set, Set]:
    """All but `a_class` random images of each class, and those."""
    rng = np.random.default_rng(seed)
    classes = np.unique(whole.labels)
    held = np.concatenate(
        [rng.choice(np.flatnonzero(whole.labels == each), a_class, False) for each in classes]
    )
    rest = np.setdiff1d(np.arange(len(whole)), held)
    return whole.take(rest), whole.take(held)


def read_balanced(folder: Path, seed: int) -> Split:
    """47 classes: both EMNIST pools to train on, 100 a class of them held out to choose on."""
    emnist = folder / "emnist"
    pools = [
        read_set(
            emnist / f"pool-{part}-images-idx3-ubyte.gz",
            emnist / f"pool-{part}-labels47-idx1-ubyte.gz",
            transposed=True,
        )
        for part in ("balanced", "rest")
    ]
    pool = Set(
        np.concatenate([part.images for part in pools]),
        np.concatenate([part.labels for part in pools]),
    )
    test = read_set(
        emnist / "balanced-own-test-images-idx3-ubyte.gz",
        emnist / "balanced-own-test-labels-idx1-ubyte.gz",
        transposed=True,
    )
    return Split(*hold_out(pool, 100, seed), test)


def read_digits(folder: Path, seed: int) -> Split:
    """10 classes: MNIST, 500 a class of its training set held out to choose on."""
    mnist = folder / "mnist"
    train = read_set(mnist / "train-images-idx3-ubyte.gz", mnist / "train-labels-idx1-ubyte.gz")
    test = read_set(mnist / "t10k-images-idx3-ubyte.gz", mnist / "t10k-labels-idx1-ubyte.gz")
    return Split(*hold_out(train, 500, seed), test)
