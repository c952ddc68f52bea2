"""The sets that are known by name: our own cuts of EMNIST, the official MNIST and EMNIST."""

from dataclasses import dataclass
from pathlib import Path

from .data import Set
from .readers import Meaning
from .readers.idx import read_idx_pair

BALANCED = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt"
DIGITS = "0123456789"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Known:
    """A pair of IDX files below the folder of data sets, packed (.gz) or not, and what they mean."""

    title: str
    images: str
    labels: str
    meaning: Meaning

    def missing(self, folder: Path) -> list[str]:
        """Which of the two files are not in `folder`."""
        return [name for name in (self.images, self.labels) if not find_file(folder, name).exists()]

    def read(self, folder: Path) -> Set:
        """The set. Raises BadData."""
        return read_idx_pair(
            find_file(folder, self.images), find_file(folder, self.labels), self.meaning
        )


def find_file(folder: Path, name: str) -> Path:
    """Where `name` lies in `folder`: as it is, or else packed."""
    return folder / name if (folder / name).exists() else folder / f"{name}.gz"


def _mnist(title: str, part: str) -> Known:
    return Known(
        title, f"mnist/{part}-images-idx3-ubyte", f"mnist/{part}-labels-idx1-ubyte", Meaning(DIGITS)
    )


def _emnist(title: str, part: str, alphabet: str, kind: str = "labels") -> Known:
    """EMNIST lies on its side, and counts letters from 1."""
    meaning = Meaning(alphabet, transposed=True, first=int(alphabet == LETTERS))
    return Known(title, f"emnist/{part}-images-idx3-ubyte", f"emnist/{part}-{kind}-idx1-ubyte", meaning)


MNIST_TRAIN = _mnist("MNIST, training", "train")
MNIST_TEST = _mnist("MNIST, test", "t10k")

OWN_BALANCED = (
    _emnist("own pool, 47 classes", "pool-balanced", BALANCED, "labels47"),
    _emnist("own pool, rest, 47 classes", "pool-rest", BALANCED, "labels47"),
)
OWN_BALANCED_TEST = _emnist("own test, 47 classes", "balanced-own-test", BALANCED)
OWN_LETTERS = (
    _emnist("own pool, letters", "pool-balanced", LETTERS, "letters"),
    _emnist("own pool, rest, letters", "pool-rest", LETTERS, "letters"),
)
OWN_LETTERS_TEST = _emnist("own test, letters", "letters-test", LETTERS)

BALANCED_TRAIN = _emnist("EMNIST Balanced, training", "emnist-balanced-train", BALANCED)
BALANCED_TEST = _emnist("EMNIST Balanced, test", "emnist-balanced-test", BALANCED)
LETTERS_TRAIN = _emnist("EMNIST Letters, training", "emnist-letters-train", LETTERS)
LETTERS_TEST = _emnist("EMNIST Letters, test", "emnist-letters-test", LETTERS)

OFFICIAL_MNIST = (MNIST_TRAIN, MNIST_TEST)
OFFICIAL_EMNIST = (BALANCED_TRAIN, BALANCED_TEST, LETTERS_TRAIN, LETTERS_TEST)
OWN_EMNIST = (*OWN_BALANCED, OWN_BALANCED_TEST, *OWN_LETTERS, OWN_LETTERS_TEST)
