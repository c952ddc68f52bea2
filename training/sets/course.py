"""A set written as courses hand it out: a JPEG per character, 28x28, RGB, on its side, `a_00002.jpg`.

`readers.read(..., transposed=True)` reads it back.
"""

import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np

from model.letter_names import name_of

from .data import Array, BadData, Set

QUALITY = 95
"""JPEG quality: it changes a pixel by 10 of 255 at most, by less than 1 on average."""

Put = Callable[[str, bytes], None]


def write_course(parts: Mapping[str, Set], labels: str, out: Path, watch: Callable[[], None]) -> None:
    """Write each of `parts` to a folder of its name (none if it is "") in `out`, a folder or .zip.

    `watch` is called after every image. `out` is written atomically. Raises BadData if it exists, or
    cannot be written.
    """
    try:
        with opened(out) as put:
            for folder, data in parts.items():
                for name, image in zip(names_of(data, labels), data.images, strict=True):
                    put(f"{folder}/{name}" if folder else name, to_jpeg(image))
                    watch()
    except OSError as error:
        raise BadData(f"{out}: {error}") from error


def names_of(data: Set, labels: str) -> Iterator[str]:
    """`a_00002.jpg` for the second a of `data`; `upper_a_00002.jpg` if `labels` has both cases."""
    counts = Counter[int]()
    for label in data.labels.tolist():
        counts[label] += 1
        yield f"{name_of(labels[label], labels).lower()}_{counts[label]:05}.jpg"


def to_jpeg(image: Array) -> bytes:
    """An upright glyph (28, 28) as a JPEG on its side."""
    lying = cv2.cvtColor(np.ascontiguousarray(image.T), cv2.COLOR_GRAY2BGR)
    return cv2.imencode(".jpg", lying, (cv2.IMWRITE_JPEG_QUALITY, QUALITY))[1].tobytes()


@contextmanager
def opened(out: Path) -> Iterator[Put]:
    """Yield a function that puts a file into `out`, which appears once all are written.

    Raises BadData if it exists already.
    """
    if out.exists():
        raise BadData(f"{out} is there already: remove it, or name another place")
    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as beside:
        draft = Path(beside) / out.name
        if out.suffix.lower() == ".zip":
            with zipfile.ZipFile(draft, "w") as archive:  # stored: JPEGs do not shrink
                yield archive.writestr
        else:
            draft.mkdir()
            yield lambda name, content: put_file(draft / name, content)
        draft.rename(out)


def put_file(path: Path, content: bytes) -> None:
    """Write a file and the folders it needs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
