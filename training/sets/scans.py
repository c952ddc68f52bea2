"""Real scans: ZIPs of image files with labels.csv, of 62 classes, not part of any data set.

Each is split by the names of its files: a half to work on and to learn from, and a half that is only
reported.
"""

import csv
import io
import zipfile
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model.card import Card, Normalization
from model.files.images import BadImage, decode
from model.ink.normalization import normalize

from .data import Array, BadData, Set, join
from .readers.meaning import NO_LABEL, class_named
from .readers.members import DAMAGED

FOLDER = "scans"
"""Their folder in the folder of data sets."""

SCANS = {"paper photographs": "paper-photos.zip", "tablet pen": "tablet-pen.zip"}
HALVES = ("learned from", "reported")


@dataclass(frozen=True)
class Half:
    """Half a set, normalized: `data`, and the bits of `model.flags` (n,) for each image."""

    data: Set
    flags: Array


def read_half(folder: Path, name: str, half: str, card: Card) -> Half:
    """The half of the set `name` in `folder`, as `card`'s network sees it. Raises BadData.

    A letter that the network knows only in the other case counts as that one, so that 62 classes become
    its 47 or 26; characters that it does not know are left out.
    """
    return _half(folder, name, half, card.labels, card.normalization)


def read_examples(folder: Path, labels: str, normalization: Normalization) -> Set:
    """The half of every set to learn from, normalized, with classes of `labels`. Raises BadData."""
    return join([_half(folder, name, HALVES[0], labels, normalization).data for name in SCANS])


def _half(folder: Path, name: str, half: str, labels: str, normalization: Normalization) -> Half:
    glyphs, flags, names = _normalized(folder / SCANS[name], half, normalization)
    classes = np.array([class_named(each, labels) for each in names], np.uint8)
    known = np.flatnonzero(classes != NO_LABEL)
    if not len(known):
        raise BadData(f"{folder / SCANS[name]}: the half {half!r} has none of {labels}")
    return Half(Set(glyphs[known], classes[known]), flags[known])


def half_of(file: str) -> str:
    """The half that the file of this name belongs to."""
    return HALVES[zlib.crc32(file.encode()) % 2]


def read_files(archive: Path, half: str) -> list[tuple[str, bytes, str]]:
    """Name, content and label of every image of the half, in the order of labels.csv. Raises BadData."""
    try:
        with zipfile.ZipFile(archive) as content:
            table = io.StringIO(content.read("labels.csv").decode())
            rows = [row for row in csv.DictReader(table) if half_of(row["file"]) == half]
            return [(row["file"], content.read(row["file"]), row["label"]) for row in rows]
    except FileNotFoundError as error:
        wanted = " and ".join(SCANS.values())
        raise BadData(
            f"no scans: {archive} is missing; {wanted} go there; --data names another folder"
        ) from error
    except (*DAMAGED, KeyError, csv.Error) as error:
        raise BadData(
            f"{archive}: {error}; wanted is a ZIP of images and labels.csv (file, label)"
        ) from error


@cache
def _normalized(
    archive: Path, half: str, normalization: Normalization
) -> tuple[Array, Array, tuple[str, ...]]:
    """Glyphs (n, 28, 28), flags (n,) and names of the classes; cached for the next network."""
    glyphs, flags, names = list[npt.NDArray[np.uint8]](), list[int](), list[str]()
    for file, data, label in read_files(archive, half):
        try:
            glyph = normalize(decode(data), normalization)
        except BadImage as error:
            raise BadData(f"{archive}: {file}: {error}") from error
        glyphs.append(glyph.pixels)
        flags.append(glyph.flags)
        names.append(label)
    return np.array(glyphs), np.array(flags, np.uint8), tuple(names)
