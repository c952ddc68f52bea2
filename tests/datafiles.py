"""The same labelled images in every form in which a data set may lie on disk."""

import csv
import gzip
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from model.files.images import Grey
from training.sets.catalogue import BALANCED
from training.sets.data import Array, Set

from samples import glyphs, idx_of, npy_of, zip_of

Writer = Callable[[Path, Grey, Array], Path]

HEADER = ["label", *(f"pixel{number}" for number in range(784))]
ROW = ["7", *["0"] * 784]


def labels_of(labels: Array) -> bytes:
    """An IDX file of labels."""
    return bytes((0, 0, 8, 1)) + len(labels).to_bytes(4, "big") + labels.tobytes()


def csv_of(rows: list[list[str]], **form: str) -> bytes:
    """A CSV of these fields."""
    out = io.StringIO()
    csv.writer(out, **form).writerows(rows)  # type: ignore[arg-type]
    return out.getvalue().encode()


def rows_of(images: Grey, labels: Array) -> list[list[str]]:
    """A label and 784 pixels for each image."""
    return [[str(label), *map(str, image.ravel())] for image, label in zip(images, labels, strict=True)]


def put(path: Path, content: bytes) -> Path:
    """Write a file and the folders it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def write_idx(folder: Path, images: Grey, labels: Array) -> Path:
    put(folder / "some-labels-idx1-ubyte.gz", gzip.compress(labels_of(labels)))
    return put(folder / "some-images-idx3-ubyte.gz", idx_of(images))


def write_plain_idx(folder: Path, images: Grey, labels: Array) -> Path:
    put(folder / "t10k-labels.idx1-ubyte", labels_of(labels))
    return put(folder / "t10k-images.idx3-ubyte", idx_of(images, compressed=False))


def write_csv(folder: Path, images: Grey, labels: Array) -> Path:
    return put(folder / "train.csv", csv_of(rows_of(images, labels)))


def write_csv_with_header(folder: Path, images: Grey, labels: Array) -> Path:
    return put(folder / "train.csv", csv_of([HEADER, *rows_of(images, labels)]))


def write_csv_with_pandas_header(folder: Path, images: Grey, labels: Array) -> Path:
    header = ["0", "0", *(f"0.{number}" for number in range(1, 784))]
    return put(folder / "data.csv", csv_of([header, *rows_of(images, labels)]))


def write_spreadsheet(folder: Path, images: Grey, labels: Array) -> Path:
    rows = [[BALANCED[int(row[0])], *row[1:]] for row in rows_of(images, labels)]
    table = csv_of([HEADER, *rows], quoting=csv.QUOTE_ALL, lineterminator="\r\n")  # type: ignore[arg-type]
    return put(folder / "Table.CSV", b"\xef\xbb\xbf" + table)


def write_openml_csv(folder: Path, images: Grey, labels: Array) -> Path:
    rows = [[*pixels, label] for label, *pixels in (HEADER, *rows_of(images, labels))]
    return put(folder / "mnist_784.csv", csv_of(rows))


def write_labels_last(folder: Path, images: Grey, labels: Array) -> Path:
    rows = [[*pixels, label] for label, *pixels in rows_of(images, labels)]
    return put(folder / "last.csv", csv_of(rows))


def write_characters_last(folder: Path, images: Grey, labels: Array) -> Path:
    rows = [[*pixels, BALANCED[int(label)]] for label, *pixels in rows_of(images, labels)]
    return put(folder / "last.csv", csv_of(rows) + b"\n")


def write_packed_csv(folder: Path, images: Grey, labels: Array) -> Path:
    return put(folder / "train.csv.gz", gzip.compress(csv_of(rows_of(images, labels))))


def write_zipped_csv(folder: Path, images: Grey, labels: Array) -> Path:
    others = dict.fromkeys(("a/.train.csv", "__MACOSX/a/train.csv", "a/notes.txt"), b"?")
    files = {"a/train.csv": csv_of(rows_of(images, labels)), **others}
    return put(folder / "archive.zip", zip_of(files))


def write_npz(folder: Path, images: Grey, labels: Array) -> Path:
    np.savez_compressed(folder / "set.npz", images=images, labels=labels.astype(np.int64))
    return folder / "set.npz"


def write_keras_npz(
    folder: Path, images: Grey, labels: Array, names: tuple[str, str] = ("x_{}", "y_{}")
) -> Path:
    other = np.zeros((3, 28, 28), np.uint8)
    parts = dict(zip([name.format("test") for name in names], (other, other[:, 0, 0]), strict=True))
    parts |= dict(zip([name.format("train") for name in names], (images, labels), strict=True))
    np.savez(folder / "mnist.npz", **parts)  # type: ignore[arg-type]
    return folder / "mnist.npz"


def write_floats(folder: Path, images: Grey, labels: Array) -> Path:
    flat = (images.reshape(-1, 784) / 255).astype(np.float16)
    np.savez(folder / "floats.npz", X=flat, y=labels[:, None].astype(np.float64))
    return folder / "floats.npz"


def write_characters(folder: Path, images: Grey, labels: Array) -> Path:
    names = np.array([BALANCED[label] for label in labels])
    np.savez(folder / "set.npz", images=images[:, None], labels=names)
    return folder / "set.npz"


def write_npy(folder: Path, images: Grey, labels: Array) -> Path:
    np.save(folder / "ytrain.npy", labels)
    return put(folder / "Xtrain.npy", npy_of(images[..., None]))


def write_named_npy(folder: Path, images: Grey, labels: Array) -> Path:
    np.save(folder / "x-labels.npy", labels)
    return put(folder / "x-images.npy", npy_of(images))


def save(path: Path, image: Grey, mode: str = "L", **form: int) -> None:
    """Write an image file and the folders it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).convert(mode).save(path, **form)  # type: ignore[arg-type]


def write_sub_folders(folder: Path, images: Grey, labels: Array) -> Path:
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        save(folder / BALANCED[label] / f"{number}.png", image)
    return folder


def write_cased_sub_folders(folder: Path, images: Grey, labels: Array) -> Path:
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        name = BALANCED[label]
        case = "upper_" if name.isupper() else "lower_" if name.islower() else ""
        save(folder / f"{case}{name.lower()}" / "pen" / f"{number}.png", image, "RGB")
    put(folder / "a" / "Thumbs.db", b"no image")
    put(folder / "._0.png", b"no image")
    return folder


def write_names(folder: Path, images: Grey, labels: Array, kind: str = "png", **form: int) -> Path:
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        save(folder / f"{BALANCED[label]}_{number:05}.{kind}", image, "RGB", **form)
    return folder


def write_zipped_names(folder: Path, images: Grey, labels: Array) -> Path:
    """Files as a person packs them: in a folder, with what a desktop leaves there."""
    write_names(folder / "set", images, labels)
    files = {f"set/{path.name}": path.read_bytes() for path in (folder / "set").iterdir()}
    others = "set/.DS_Store", "set/.seen/A_1.png", "__MACOSX/set/A_1.png", "notes.txt"
    return put(folder / "set.zip", zip_of(files | {"set/": b""} | dict.fromkeys(others, b"?")))


FORMS: tuple[Writer, ...] = (
    write_idx,
    write_plain_idx,
    write_csv,
    write_csv_with_header,
    write_csv_with_pandas_header,
    write_spreadsheet,
    write_openml_csv,
    write_labels_last,
    write_characters_last,
    write_packed_csv,
    write_zipped_csv,
    write_npz,
    write_keras_npz,
    write_floats,
    write_characters,
    write_npy,
    write_named_npy,
    write_sub_folders,
    write_cased_sub_folders,
    write_names,
    write_zipped_names,
)


def drawn_set(rng: np.random.Generator) -> Set:
    """Two drawings of each of the 47 characters."""
    return Set(glyphs(94, rng), np.arange(94, dtype=np.uint8) % 47)
