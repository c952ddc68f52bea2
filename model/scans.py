"""Image files read by a network in this process: characters a full batch at a time, pages one by one."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from .answers import Said, answers, screened
from .flags import Flag
from .glyph import Glyph
from .images import Grey, decode
from .layout import Layout
from .normalization import normalize
from .paths import Unread, opened
from .previews import beside, boxed, marks_of
from .sheets.choosing import choose
from .sheets.cutting import cut
from .writing import Written, lines_of, text_of

if TYPE_CHECKING:
    from .predictor import Predictor
    from .screen import Screen

BATCH = 256

ALONE = Layout()


@dataclass(frozen=True)
class Scan:
    """What an image says; `path` ends in #N for page N of several.

    One with many characters has no label, but `text`, and `lines` as the service has them.
    """

    path: str
    label: str | None
    confidence: float | None
    uncertain: bool
    flags: Sequence[str]
    text: str | None = None
    lines: Sequence[dict[str, Any]] | None = None


class ScanReader:
    """One network, the classes it may answer with (None: all), how characters lie on an image, and who
    says what is no character (None: nobody)."""

    def __init__(
        self,
        predictor: "Predictor",
        allowed: Sequence[int] | None = None,
        layout: Layout = ALONE,
        screen: "Screen | None" = None,
    ) -> None:
        self._predictor, self._allowed = predictor, allowed
        self._layout, self._screen = layout, screen

    def read(self, files: Iterable[Path]) -> Iterator[Scan | Unread]:
        """One outcome an image, in order but that failures of characters come at once."""
        return self._characters(files) if self._layout.kind == "character" else self._sheets(files)

    def preview(self, path: Path) -> Grey:
        """What is seen of an image, or of the first page of it. Raises OSError, BadImage."""
        grey = decode(path.read_bytes())
        if self._layout.kind == "character":
            return beside(grey, normalize(grey, self._predictor.card.recipe).pixels)
        return boxed(grey, list(marks_of(lines_of(self._sheet(grey)))))

    def _characters(self, files: Iterable[Path]) -> Iterator[Scan | Unread]:
        names: list[str] = []
        glyphs: list[Glyph] = []
        recipe = self._predictor.card.recipe
        for name, glyph in opened(files, lambda grey: normalize(grey, recipe)):
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
        said = self._answers(glyphs)
        for name, each in zip(names, said, strict=True):
            yield Scan(name, each["label"], each["confidence"], each["uncertain"], each["flags"])

    def _sheets(self, files: Iterable[Path]) -> Iterator[Scan | Unread]:
        for name, sheet in opened(files, self._sheet):
            yield sheet if isinstance(sheet, Unread) else _scan(name, sheet)

    def _sheet(self, grey: Grey) -> list[Written]:
        """The characters of an image that stand against their rivals."""
        found = cut(grey, self._predictor.card.recipe, self._layout)
        said = self._answers([each.glyph for each in found])
        stand = choose(found, [each["confidence"] for each in said])
        return [Written(said[at], found[at].box, found[at].line, found[at].word) for at in stand]

    def _answers(self, glyphs: Sequence[Glyph]) -> list[Said]:
        shown = screened(glyphs, self._screen) if self._screen else glyphs
        return answers(self._predictor, shown, self._allowed)


def _scan(name: str, characters: Sequence[Written]) -> Scan:
    said, lines = [each.said for each in characters], lines_of(characters)
    return Scan(
        name,
        None,
        round(fmean(each["confidence"] for each in said), 7) if said else None,
        not said or any(each["uncertain"] for each in said),
        _flags([each["flags"] for each in said]) if said else Flag.BLANK.names,
        text_of(lines),
        lines,
    )


def _flags(flags: Sequence[Sequence[str]]) -> list[str]:
    """Whatever speaks against any character."""
    return [name for flag in Flag for name in flag.names if any(name in each for each in flags)]
