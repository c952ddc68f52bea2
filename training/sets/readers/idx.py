"""The official files of the MNIST family: a file of images and one of labels, in IDX, packed or not."""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from model.files.idx import BadIdx, read_header

from ..data import Array, BadData, Set
from .meaning import Meaning, beside, make_set


def read_idx(path: Path) -> Array:
    """The array in an IDX file (.gz or not). Raises BadData."""
    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
        header = read_header(content[:16])
    except (OSError, EOFError, zlib.error, BadIdx) as error:
        raise BadData(f"{path}: {error}") from error
    if len(content) - header.offset != math.prod(header.shape):
        raise BadData(f"{path}: it does not hold the {header.shape} bytes of its header: get it anew")
    return np.frombuffer(content, np.uint8, offset=header.offset).reshape(header.shape)


def read_idx_pair(images: Path, labels: Path, meaning: Meaning) -> Set:
    """The images of one file with the labels of another. Raises BadData."""
    pixels, found = read_idx(images), read_idx(labels)
    if len(pixels) != len(found):
        raise BadData(f"{images}: {len(pixels)} images, but {labels.name} has {len(found)} labels")
    return make_set(images, pixels, found, meaning, lambda row: f"{labels}: label {row + 1}")


def read_idx_images(images: Path, meaning: Meaning) -> Set:
    """The images of a file with the labels beside it: `images-idx3` -> `labels-idx1`. Raises BadData."""
    try:
        read_idx(images)  # a file that is no IDX at all is refused as such, whatever lies beside it
    except BadData as error:
        raise BadData(
            f"{error}. Also read are .csv, .npy, .npz, and folders or ZIPs of images"
        ) from error
    return read_idx_pair(images, beside(images, ("images", "labels"), ("idx3", "idx1")), meaning)
