"""Files on disk become a `Set`: official IDX pairs, CSV, folders and ZIPs of images, .npy, .npz."""

from pathlib import Path

from model.card import Normalization

from ..data import BadData, Set
from .archives import read_archive
from .arrays import Part, read_arrays
from .idx import read_idx_images
from .meaning import Meaning
from .pictures import read_folder
from .table import read_table

__all__ = ["Meaning", "Part", "read"]


def read(
    path: Path,
    labels: str,
    *,
    transposed: bool = False,
    first: int = 0,
    normalization: Normalization | None = None,
    part: Part = "train",
) -> Set:
    """The images and labels at `path`, whose form is known by its name. Raises BadData naming the file.

    `labels[i]` is class i. The files may hold characters, or numbers that count from `first`; 255 is no
    label. `transposed` images have their axes swapped (EMNIST's files). An image file that is not 28x28
    becomes a glyph by `normalization`, or is only resized if that is None. `part` says which part to
    read of an .npz, a folder or a ZIP that has both.
    """
    meaning = Meaning(labels, transposed, first, normalization)
    name = path.name.lower()
    if not path.exists():
        raise BadData(f"{path} is not there")
    if path.is_dir():
        return read_folder(path, meaning, part)
    if name.endswith(".zip"):
        return read_archive(path, meaning, part)
    if name.endswith((".csv", ".csv.gz")):
        return read_table(path, meaning)
    if name.endswith((".npy", ".npz")):
        return read_arrays(path, meaning, part)
    return read_idx_images(path, meaning)
