"""Image files in a folder or a ZIP, whose paths say what they show, become a `Set`.

They lie in a sub-folder for each character, or are named by their characters: `a/1.png` and
`a_00002.jpg` are both an a. On a disk that does not tell A from a: `upper_a`, `lower_a`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

import numpy as np
from rich.progress import track

from model.files.images import BadImage, decode
from model.folders import NoImages, find_images
from model.glyph import SIDE
from model.ink.normalization import to_glyph
from model.terminal import notes

from ..data import Array, BadData, Set
from .arrays import Part
from .meaning import Meaning, make_set, to_classes

NAME = re.compile(r"(?:(?:upper|lower)_)?[^_]+")
PARTS: Mapping[str, Part] = {"train": "train", "training": "train", "test": "test", "testing": "test"}
"""The folders that may hold the parts of a set."""


@dataclass(frozen=True)
class Picture:
    """An image file: its path below the folder or in the ZIP, its name in errors, its bytes."""

    path: PurePath
    name: str
    read: Callable[[], bytes]


def read_folder(folder: Path, meaning: Meaning, part: Part) -> Set:
    """Every image below `folder`, RGB or grey. Raises BadData naming the file."""
    try:
        files = find_images([folder])
    except NoImages as error:
        raise BadData(str(error)) from error
    pictures = [Picture(file.relative_to(folder), str(file), file.read_bytes) for file in files]
    return read_pictures(folder, pictures, meaning, part)


def read_pictures(path: Path, pictures: Sequence[Picture], meaning: Meaning, part: Part) -> Set:
    """The set of `pictures` in `path`, in their order; of the folders of two parts, only `part`.

    Labels are checked before any image is read, and images are read one at a time. Raises BadData naming
    the file.
    """
    chosen = one_part(pictures, part)
    labels = np.array([label_of(picture.path) for picture in chosen])
    to_classes(labels, meaning, lambda row: chosen[row].name)
    pixels = np.empty((len(chosen), SIDE, SIDE), np.uint8)
    bar = track(chosen, path.name, console=notes, transient=True, disable=not notes.is_terminal)
    for row, picture in enumerate(bar):
        pixels[row] = read_picture(picture, meaning)
    upright = replace(meaning, transposed=False)
    return make_set(path, pixels, labels, upright, lambda row: chosen[row].name)


def one_part(pictures: Sequence[Picture], part: Part) -> list[Picture]:
    """The pictures of `part`, if all lie in a folder of a part and neither part is empty; else all."""
    parts = [PARTS.get(picture.path.parts[0].lower()) for picture in pictures]
    if set(parts) != set(PARTS.values()):
        return list(pictures)
    inside = [picture for picture, its in zip(pictures, parts, strict=True) if its == part]
    return [replace(picture, path=PurePath(*picture.path.parts[1:])) for picture in inside]


def read_picture(picture: Picture, meaning: Meaning) -> Array:
    """The glyph (28, 28) in a file, upright; one that is 28x28 already is unchanged. Raises BadData."""
    try:
        grey = decode(picture.read())
    except (OSError, BadImage) as error:
        raise BadData(f"{picture.name}: {error}") from error
    return to_glyph(np.ascontiguousarray(grey.T) if meaning.transposed else grey, meaning.normalization)


def label_of(path: PurePath) -> str:
    """The label in a path: the first folder's name, or the beginning of the file's."""
    if len(path.parts) > 1:
        return path.parts[0]
    found = NAME.match(path.stem)
    return found[0] if found else path.stem
