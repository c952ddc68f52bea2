"""Images whose label is known only in part: letters of the pool whose case was not recorded."""

from pathlib import Path

import numpy as np

from .catalogue import BALANCED, LETTERS, OWN_BALANCED, OWN_LETTERS, find_file
from .data import Hints
from .readers.idx import read_idx
from .readers.meaning import NO_LABEL


def read_hints(folder: Path) -> Hints | None:
    """Letters with none of the 47 classes: both the capital and the small one are possible.

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
    return Hints(upright, possible[letters[rows] - 1])
