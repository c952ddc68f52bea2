"""The image files meant by the paths that a person gives: files as they are, folders walked."""

import os
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".jfif", ".tif", ".tiff", ".webp", ".bmp"))

STRANGE_SUFFIXES = frozenset((".heic", ".heif", ".avif", ".gif", ".jp2", ".jxl"))
"""Of images that are not read. They are meant all the same, so that each is refused by its name."""


class NoImages(ValueError):
    """A path is not there, or nothing under the paths is an image; the text says which."""


def find_images(paths: Iterable[str | Path], *, recursive: bool = True) -> list[Path]:
    """Every file given, whatever it is, and the images in every folder, sorted; each file once. Raises
    NoImages."""
    paths = list(paths)
    if not paths:
        raise NoImages("no path is given")
    if "" in paths:  # Path takes it for the working directory, with all that is in there
        raise NoImages("a path is empty; to read the working directory, give '.'")
    found: list[Path] = []
    for path in map(Path, paths):
        if not path.exists():
            raise NoImages(f"{path} is not there")
        found += _walk(path, recursive) if path.is_dir() else [path]
    if not found:
        raise NoImages(f"no image ({' '.join(sorted(SUFFIXES))}) in {', '.join(map(str, paths))}")
    unique: dict[str, Path] = {}
    for path in found:
        unique.setdefault(os.path.abspath(path), path)
    return list(unique.values())


def _walk(folder: Path, recursive: bool) -> list[Path]:
    def refuse(error: OSError) -> None:
        raise NoImages(f"{error.filename}: {error.strerror}")

    walk = os.walk(folder, onerror=refuse)
    inside = (
        Path(at, name) for at, _, names in (walk if recursive else islice(walk, 1)) for name in names
    )
    return sorted(path for path in inside if _is_image(path))


def _is_image(path: Path) -> bool:
    """Whether a file is an image, by its name, and not hidden (desktops leave `._scan.png` beside
    `scan.png`)."""
    return is_named_as_image(path) and not path.name.startswith(".") and path.is_file()


def is_named_as_image(path: Path) -> bool:
    """Whether a name ends as those of images do, be they read or not."""
    return path.suffix.lower() in SUFFIXES | STRANGE_SUFFIXES
