"""A folder of image files: in a sub-folder for each character, or named by their characters.

`a/1.png` and `a_00002.jpg` are both an a. On a disk that does not tell A from a: `upper_a`, `lower_a`.
"""

from pathlib import Path

from model.folders import NoImages, find_images

from ..data import BadData, Set
from .arrays import Part
from .meaning import Meaning
from .pictures import Picture, read_pictures


def read_folder(folder: Path, meaning: Meaning, part: Part) -> Set:
    """Every image below `folder`, RGB or grey. Raises BadData naming the file."""
    try:
        files = find_images([folder])
    except NoImages as error:
        raise BadData(str(error)) from error
    pictures = [Picture(file.relative_to(folder), str(file), file.read_bytes) for file in files]
    return read_pictures(folder, pictures, meaning, part)
