"""A folder of image files: in a sub-folder for each character, or named by their characters.

`a/1.png` and `a_00002.jpg` are both an a. Where the disk does not tell A from a: `upper_a`, `lower_a`.
"""

import re
from pathlib import Path

import numpy as np

from model.folders import NoImages, find_images
from model.images import BadImage, decode
from model.normalization import to_glyph

from ..data import Array, BadData, Set
from .meaning import Meaning, make_set

NAME = re.compile(r"(?:(?:upper|lower)_)?[^_]+")


def read_folder(folder: Path, meaning: Meaning) -> Set:
    """Every image below `folder`, RGB or grey. Raises BadData naming the file."""
    try:
        files = find_images([folder])
    except NoImages as error:
        raise BadData(str(error)) from error
    pixels = np.stack([read_image(file, meaning) for file in files])
    names = np.array([label_of(file.relative_to(folder)) for file in files])
    return make_set(
        folder, pixels, names, Meaning(meaning.labels, first=meaning.first), lambda row: str(files[row])
    )


def read_image(file: Path, meaning: Meaning) -> Array:
    """The glyph (28, 28) in a file, upright; what is one already stays as it is. Raises BadData."""
    try:
        grey = decode(file.read_bytes())
    except (OSError, BadImage) as error:
        raise BadData(f"{file}: {error}") from error
    return to_glyph(np.ascontiguousarray(grey.T) if meaning.transposed else grey, meaning.recipe)


def label_of(file: Path) -> str:
    """The label in a path below the folder: the sub-folder's name, or how the file's begins."""
    if len(file.parts) > 1:
        return file.parts[0]
    found = NAME.match(file.stem)
    return found[0] if found else file.stem
