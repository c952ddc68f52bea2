"""NumPy's files: an .npz of images and labels (as Keras names them, too), or an .npy and its labels."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from model.glyph import SIDE

from ..data import Array, BadData, Set
from .meaning import Labels, Meaning, beside, make_set

Part = Literal["train", "test"]

ANY = (("images", "labels"), ("x", "y"))
NAMES: dict[Part, tuple[tuple[str, str], ...]] = {
    "train": (("x_train", "y_train"), ("train_images", "train_labels"), *ANY),
    "test": (("x_test", "y_test"), ("test_images", "test_labels"), *ANY),
}


def read_arrays(path: Path, meaning: Meaning, part: Part) -> Set:
    """Images and labels of an .npz or .npy; of an .npz with two parts, `part`. Raises BadData."""
    if path.suffix.lower() == ".npz":
        images, labels = _read_npz(path, part)
    else:
        images = _read_npy(path)
        labels = _read_npy(beside(path, ("images", "labels"), (r"^[xX](?!.*labels)", "y")))
    flat = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    return make_set(path, to_pixels(path, images), flat, meaning)


def _read_npy(path: Path) -> Labels:
    try:
        with path.open("rb") as file:
            array: Labels = np.lib.format.read_array(file, allow_pickle=False)
    except Exception as error:  # headers are parsed as Python, and damaged ones raise many kinds
        raise BadData(f"{path}: damaged, or not what its name says: {error}") from error
    return array


def _read_npz(path: Path, part: Part) -> tuple[Labels, Labels]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            names = {name.lower(): name for name in archive.files}
            for images, labels in NAMES[part]:
                if images in names and labels in names:
                    return archive[names[images]], archive[names[labels]]
    except Exception as error:  # headers are parsed as Python, and damaged ones raise many kinds
        raise BadData(f"{path}: damaged, or not what its name says: {error}") from error
    wanted = " or ".join(" and ".join(pair) for pair in NAMES[part])
    raise BadData(f"{path}: it holds {', '.join(names) or 'nothing'}; wanted are {wanted}")


def to_pixels(path: Path, images: npt.NDArray[Any]) -> Array:
    """(n, 28, 28) uint8 from pixels of 0..255, or of 0..1; flat or with a channel. Raises BadData."""
    square = (len(images) if images.ndim else 0, SIDE, SIDE)
    if images.dtype.kind not in "buif" or images.size != np.prod(square):
        raise BadData(
            f"{path}: images of shape {images.shape}, {images.dtype}; wanted (n, {SIDE}, {SIDE}) numbers"
        )
    least, most = (images.min(), images.max()) if images.size else (0, 0)
    nearly_one = images.dtype.kind == "f" and 1 < most <= 2  # 0..1, rescaled with a little error
    if nearly_one or not (least >= 0 and most <= 255):  # so that NaN is refused too
        raise BadData(f"{path}: pixels from {least} to {most}; wanted 0 to 255, or 0 to 1")
    if most <= 1:
        images = images * 255.0 if images.dtype.kind == "f" else images.astype(np.uint8) * 255
    return np.round(images).astype(np.uint8).reshape(square)
