"""Image files read by a network in this process, a full batch at a time; each says one character."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .images import BadImage, Grey
from .normalization import read_glyph
from .tiffs import BadTiff, cut, directories, is_tiff

if TYPE_CHECKING:
    from .predictor import Predictor

BATCH = 256
MAX_PIXELS = 16_000_000


@dataclass(frozen=True)
class Scan:
    """What an image says; `path` ends in #N for page N of several."""

    path: str
    label: str
    confidence: float
    uncertain: bool


@dataclass(frozen=True)
class Unread:
    """An image that could not be read, and why."""

    path: str
    reason: str


class ScanReader:
    """One network and the classes it may answer with (None: all)."""

    def __init__(self, predictor: "Predictor", allowed: Sequence[int] | None = None) -> None:
        self._predictor, self._allowed = predictor, allowed

    def read(self, files: Iterable[Path]) -> Iterator[Scan | Unread]:
        """One outcome an image, in order but that failures come at once."""
        names: list[str] = []
        glyphs: list[Grey] = []
        for name, glyph in self._glyphs(files):
            if isinstance(glyph, Unread):
                yield glyph
                continue
            names.append(name)
            glyphs.append(glyph)
            if len(glyphs) == BATCH:
                yield from self._scans(names, glyphs)
                names, glyphs = [], []
        if glyphs:
            yield from self._scans(names, glyphs)

    def _glyphs(self, files: Iterable[Path]) -> Iterator[tuple[str, Grey | Unread]]:
        for path in files:
            try:
                for name, data in _pages(path):
                    yield name, self._glyph(name, data)
            except (OSError, BadTiff) as error:
                reason = getattr(error, "strerror", None) or str(error)
                yield str(path), Unread(str(path), reason)

    def _glyph(self, name: str, data: bytes) -> Grey | Unread:
        try:
            return read_glyph(data, self._predictor.card.recipe, MAX_PIXELS)
        except BadImage as error:
            return Unread(name, str(error))

    def _scans(self, names: Sequence[str], glyphs: Sequence[Grey]) -> Iterator[Scan]:
        card = self._predictor.card
        probabilities = self._predictor.probabilities(np.stack(glyphs), self._allowed)
        best, values = probabilities.argmax(axis=1).tolist(), probabilities.max(axis=1).tolist()
        for name, index, p in zip(names, best, values, strict=True):
            yield Scan(name, card.labels[index], round(p, 7), p < card.uncertain_below)


def _pages(path: Path) -> Iterator[tuple[str, bytes]]:
    """A file, or each page of a TIFF, with its name. Raises OSError, BadTiff."""
    data = path.read_bytes()
    places = list(directories(data)) if is_tiff(data) else []
    if len(places) > 1:
        yield from ((f"{path}#{number}", page) for number, page in enumerate(cut(data, places), 1))
    else:
        yield str(path), data
