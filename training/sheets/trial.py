"""The trial of cutting: pages and grids drawn from characters held out of training, cut and read."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.engines.predictor import Predictor
from model.layout import Kind, Layout

from ..measures.evaluate import open_network
from ..sets.data import Set
from ..sets.tasks import read_split, task_of
from ..tables import TextTable, percent
from .drawing import Drawn, Taking, photographed, scanned
from .grids import draw_grid, ruled
from .measure import Figures, measure
from .pages import Writing, draw_page

COLUMNS = (
    "sheets",
    "number",
    "places",
    "found in order",
    "found beside",
    "character errors",
    "alone",
    "words parted rightly",
    "ms a sheet",
)


PAGE = Writing()


@dataclass(frozen=True)
class SheetTrial:
    """`count` sheets of one kind, from `seed` on; `camera`: photographed, not scanned."""

    kind: Kind
    count: int
    camera: bool = False
    writing: Writing = PAGE
    seed: int = 0

    @property
    def name(self) -> str:
        return f"{self.kind}s, {'photographed' if self.camera else 'scanned'}"

    def draw(self, number: int, data: Set) -> tuple[Drawn, Set, Taking]:
        """A sheet, the characters that it is drawn with, and how it is taken."""
        rng = np.random.default_rng((self.seed, number))
        taking = photographed(rng) if self.camera else scanned(rng)
        if self.kind == "grid":
            ruling = ruled(rng)
            own = data.take(rng.integers(0, len(data), ruling.rows * ruling.columns))
            return draw_grid(own.images, ruling, taking, rng), own, taking
        own = data.take(rng.integers(0, len(data), self.writing.lines * self.writing.characters))
        return draw_page(own.images, self.writing, taking, rng), own, taking


def read_sheets(
    name: str,
    trials: Sequence[SheetTrial],
    data: Path,
    runs: Path,
    drawn: bool,
    tell: Callable[[], None],
) -> TextTable:
    """The figures of each trial, read by the network meant by `name`; `tell` is told of every sheet.

    Raises BadCard, BadData.
    """
    predictor, _ = open_network(name, runs)
    held = read_split(task_of(predictor.card).name, data, drawn).validation
    rows = []
    for trial in trials:
        found = []
        for each in figures(trial, held, predictor):
            found.append(each)
            tell()
        rows.append(_row(trial, found))
    return TextTable(f"Sheets of characters held out of training, read by {name}", COLUMNS, rows, NOTES)


def figures(trial: SheetTrial, data: Set, predictor: Predictor) -> Iterator[Figures]:
    """Yield the figures of every sheet of a trial."""
    for number in range(trial.count):
        yield measure(*trial.draw(number, data), predictor, Layout(trial.kind))


def _row(trial: SheetTrial, found: Sequence[Figures]) -> tuple[str, ...]:
    places, letters, near = (
        max(1, sum(getattr(each, name) for each in found)) for name in ("places", "letters", "near")
    )
    return (
        trial.name,
        f"{len(found)}",
        f"{places:,}",
        percent(sum(each.found for each in found) / places),
        percent(sum(each.beside for each in found) / places),
        percent(sum(each.errors for each in found) / letters),
        percent(sum(each.alone for each in found) / letters),
        percent(sum(each.words for each in found) / near),
        f"{1000 * np.median([each.seconds for each in found] or [0]):.0f}",
    )


NOTES = (
    "A place is found if a box covers it (intersection over union at least a half); in order: the "
    "longest series of them that is in reading order. Character errors: characters to insert, delete "
    "or replace in the text. Alone: the same characters, misread when each is scanned by itself on such "
    "paper. Milliseconds: the median processor time to cut a sheet, with its glyphs.",
)
