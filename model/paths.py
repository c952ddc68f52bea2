"""Image files by path, opened one by one; a file may hold several pages, or nothing that can be read."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from .files.images import BadImage, Grey, decode
from .files.tiffs import BadTiff, cut, directories, is_tiff

T = TypeVar("T")


@dataclass(frozen=True)
class Unread:
    """An image that could not be read, and why."""

    path: str
    reason: str


def opened(files: Iterable[Path], make: Callable[[Grey], T]) -> Iterator[tuple[str, T | Unread]]:
    """The result of `make`, or Unread, for each image, with its name: its path, and #N for page N of
    several."""
    for path in files:
        try:
            for name, data in _pages(path):
                yield name, _made(name, data, make)
        except (OSError, BadTiff) as error:
            reason = getattr(error, "strerror", None) or str(error)
            yield str(path), Unread(str(path), reason)


def _made(name: str, data: bytes, make: Callable[[Grey], T]) -> T | Unread:
    try:
        return make(decode(data))
    except BadImage as error:
        return Unread(name, str(error))


def _pages(path: Path) -> Iterator[tuple[str, bytes]]:
    """A file, or each page of a TIFF, with its name. Raises OSError, BadTiff."""
    data = path.read_bytes()
    places = list(directories(data)) if is_tiff(data) else []
    if len(places) > 1:
        pages = enumerate(cut(data, places), 1)
        yield from ((f"{path}#{number}", page) for number, page in pages)
    else:
        yield str(path), data
