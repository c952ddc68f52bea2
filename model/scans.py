"""Reads image files by a network in this process: characters in full batches, pages one by one."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .answers import Answer, confidence_of, flags_of, is_uncertain
from .engines.predictor import Predictor
from .files.images import Grey, decode
from .glyph import Glyph
from .ink.normalization import normalize
from .layout import Layout
from .paths import Unread, opened
from .previews import beside, boxed, marks_of
from .reading import read
from .screen import Screen
from .sheets.choosing import choose
from .sheets.cutting import cut
from .writing import Written, lines_of, said, text_of

BATCH = 256

ALONE = Layout()


@dataclass(frozen=True)
class Scan:
    """What was read on an image; `path` ends in #N for page N of several.

    An image of many characters has no `label`, but `text`, and `lines` in the form of the service.
    """

    path: str
    label: str | None
    confidence: float | None
    uncertain: bool
    flags: Sequence[str]
    text: str | None = None
    lines: Sequence[dict[str, Any]] | None = None


class ScanReader:
    """Reads by one network: `allowed` are the classes it may answer with (None: all), `layout` is how
    characters lie on an image, `screen` tells what is not a character (None: no screen)."""

    def __init__(
        self,
        predictor: Predictor,
        allowed: Sequence[int] | None = None,
        layout: Layout = ALONE,
        screen: Screen | None = None,
    ) -> None:
        self._predictor, self._allowed = predictor, allowed
        self._layout, self._screen = layout, screen

    def read(self, files: Iterable[Path]) -> Iterator[Scan | Unread]:
        """One outcome per image, in order, except that an Unread does not wait for its batch."""
        return self._characters(files) if self._layout.kind == "character" else self._sheets(files)

    def preview(self, path: Path) -> Grey:
        """A picture of what is seen of an image, or of its first page. Raises OSError, BadImage."""
        grey = decode(path.read_bytes())
        if self._layout.kind == "character":
            return beside(grey, normalize(grey, self._predictor.card.normalization).pixels)
        return boxed(grey, list(marks_of(self._sheet(grey)[1])))

    def _characters(self, files: Iterable[Path]) -> Iterator[Scan | Unread]:
        names: list[str] = []
        glyphs: list[Glyph] = []
        normalization = self._predictor.card.normalization
        for name, glyph in opened(files, lambda grey: normalize(grey, normalization)):
            if isinstance(glyph, Unread):
                yield glyph
                continue
            names.append(name)
            glyphs.append(glyph)
            if len(glyphs) == BATCH:
                yield from self._scans(names, glyphs)
                names, glyphs = [], []
        yield from self._scans(names, glyphs)

    def _scans(self, names: Sequence[str], glyphs: Sequence[Glyph]) -> Iterator[Scan]:
        for name, answer in zip(names, self._answers(glyphs), strict=True):
            each = self._said(answer)
            yield Scan(name, each["label"], each["confidence"], each["uncertain"], each["flags"])

    def _sheets(self, files: Iterable[Path]) -> Iterator[Scan | Unread]:
        for name, sheet in opened(files, self._sheet):
            yield sheet if isinstance(sheet, Unread) else _scan(name, *sheet)

    def _sheet(self, grey: Grey) -> tuple[list[Answer], list[dict[str, Any]]]:
        """The answers of the readings that win over their rivals, and the lines that they make."""
        found = cut(grey, self._predictor.card.normalization, self._layout)
        answers = self._answers([each.glyph for each in found])
        stand = choose(found, [each.probabilities[0] for each in answers])
        written = [
            Written(self._said(answers[at]), found[at].box, found[at].line, found[at].word)
            for at in stand
        ]
        return [answers[at] for at in stand], lines_of(written)

    def _answers(self, glyphs: Sequence[Glyph]) -> list[Answer]:
        screen = self._screen.flags if self._screen else None
        return read(self._predictor, glyphs, self._allowed, screen)

    def _said(self, answer: Answer) -> dict[str, Any]:
        return said({}, self._predictor.card.labels, *answer)


def _scan(name: str, answers: Sequence[Answer], lines: list[dict[str, Any]]) -> Scan:
    return Scan(
        name,
        None,
        confidence_of(answers),
        is_uncertain(answers),
        flags_of(answers).names,
        text_of(lines),
        lines,
    )
