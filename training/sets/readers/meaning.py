"""The last step of every reader: pixels and labels as a file holds them become one checked `Set`.

A label is a character of the task's alphabet, or the number of a class. A letter that the alphabet has
only in the other case counts as that one, as EMNIST merges c and C.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from model.card import Normalization
from model.glyph import SIDE, is_dark_on_bright
from model.letter_names import letter_of
from model.terminal import notes

from ..data import Array, BadData, Set

NO_LABEL = 255
"""Stands for no class: an image with this label is left out."""

Labels = npt.NDArray[Any]


@dataclass(frozen=True)
class Meaning:
    """What files do not say about themselves.

    Class i is `labels[i]`; numbers count from `first` (1 in EMNIST letters). `transposed` images have
    their axes swapped (EMNIST). Images of another size become glyphs as `normalization` says.
    """

    labels: str
    transposed: bool = False
    first: int = 0
    normalization: Normalization | None = None


def make_set(
    path: Path, pixels: Array, found: Labels, meaning: Meaning, name: Callable[[int], str] | None = None
) -> Set:
    """The set of `pixels` (n, 28, 28) with labels `found` (n,): upright, without unlabelled images.

    Dark ink on white becomes bright ink on black, as in the service, and a note says so. `name(row)` is
    the name of an image in errors. Raises BadData.
    """
    if pixels.shape[1:] != (SIDE, SIDE):
        raise BadData(f"{path}: images of shape {pixels.shape}, wanted (n, {SIDE}, {SIDE})")
    if found.shape != (len(pixels),):
        raise BadData(f"{path}: {len(pixels)} images, but labels of shape {found.shape}")
    classes = to_classes(found, meaning, name or (lambda row: f"{path}: image {row + 1}"))
    known = np.flatnonzero(classes != NO_LABEL)
    if not len(known):
        raise BadData(f"{path}: not one image with a label")
    upright = (pixels.transpose(0, 2, 1) if meaning.transposed else pixels)[known]
    if is_dark_on_bright(upright).mean() > 0.5:
        notes.print(f"{path}: dark ink on white; its images are inverted", markup=False)
        upright = 255 - upright
    return Set(np.ascontiguousarray(upright), classes[known])


def to_classes(found: Labels, meaning: Meaning, name: Callable[[int], str]) -> Array:
    """The class of each label, (n,) uint8. Raises BadData for the first label that has none."""
    values, places = np.unique(found, return_inverse=True)
    classes = [class_of(str(value).removesuffix(".0"), meaning) for value in values]
    if None in classes:
        row = int(np.flatnonzero(places == classes.index(None))[0])
        last = meaning.first + len(meaning.labels) - 1
        raise BadData(
            f"{name(row)}: label {str(found[row])!r} is none of {meaning.labels}, "
            f"nor the number of a class ({meaning.first} to {last})"
        )
    return np.array(classes, np.uint8)[places]


def class_of(text: str, meaning: Meaning) -> int | None:
    """The class meant by `text`: `7`, `a`, `upper_a`, `lower_a`, or a number; None if there is no such.

    Digits that the alphabet has are characters, unless numbers count from another `first` than 0.
    """
    if text.isdecimal() and (meaning.first or text not in list(meaning.labels)):
        if text == str(NO_LABEL):
            return NO_LABEL
        number = int(text.lstrip("0")[:4] or 0) - meaning.first
        return number if 0 <= number < len(meaning.labels) else None
    place = class_named(letter_of(text), meaning.labels)
    return place if place != NO_LABEL else None


def class_named(text: str, labels: str) -> int:
    """The class of a character in `labels`, or of the same letter in its other case; else NO_LABEL."""
    places = [labels.find(each) for each in (text, text.swapcase()) if len(each) == 1]
    return next((place for place in places if place >= 0), NO_LABEL)


def beside(path: Path, *changes: tuple[str, str]) -> Path:
    """The file of the labels beside `path`: its name after the substitutions `changes` (pattern, text).

    Raises BadData.
    """
    name = path.name
    for pattern, text in changes:
        name = re.sub(pattern, text, name)
    if name == path.name:
        raise BadData(
            f"{path}: the name has no part {changes[0][0]!r} by which to find the file of its labels"
        )
    if not path.with_name(name).exists():
        raise BadData(f"{path}: the file of its labels, {name}, is not beside it")
    return path.with_name(name)
