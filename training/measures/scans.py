"""How well a network reads real scans: the whole way from files to labels, and what was flagged."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.flags import Flag

from ..sets.scans import FOLDER, HALVES, SCANS, read_half
from ..tables import TextTable, percent
from .evaluate import open_network
from .metrics import top_accuracy
from .verdicts import ScreenedReader, Verdicts, open_reader

COLUMNS = ("network", "scans", "half", "images", "top-1", "top-3", "uncertain")


@dataclass(frozen=True)
class ScanResult:
    """How the network that is called `name` read half a set of scans."""

    name: str
    scans: str
    half: str
    verdicts: Verdicts

    @property
    def top1(self) -> float:
        """The share read right."""
        return float(self.verdicts.answers.right.mean())

    @property
    def top3(self) -> float:
        """The share whose class is among the three likeliest."""
        return top_accuracy(self.verdicts.answers, 3)

    @property
    def uncertain(self) -> float:
        """The share of answers that are uncertain, by their confidence or for a quality flag."""
        return float(self.verdicts.uncertain.mean())

    @property
    def flagged(self) -> dict[str, float]:
        """The share of images with each quality flag, by the flag's name."""
        return {flag.names[0]: float(np.mean((self.verdicts.flags & flag) > 0)) for flag in Flag}


def read_scans(
    names: Sequence[str], data: Path, runs: Path, tell: Callable[[str], None], threads: int
) -> tuple[list[TextTable], list[dict[str, object]]]:
    """The table of these networks on the scans in `data`, and its figures for a JSON file.

    `tell` is told of every network. Raises BadCard, BadData.
    """
    results: list[ScanResult] = []
    for number, name in enumerate(names, 1):
        tell(f"{number}/{len(names)} {name}")
        results += measure_scans(open_reader(open_network(name, runs, threads)[0], threads), data)
    return [table(results)], [record(each) for each in results]


def measure_scans(reader: ScreenedReader, data: Path) -> Iterator[ScanResult]:
    """Both halves of every set in `data`/scans, as `reader` reads them. Raises BadData."""
    card = reader.predictor.card
    for scans in SCANS:
        for half in HALVES:
            found = read_half(data / FOLDER, scans, half, card)
            verdicts = reader.read(f"{scans}, {half}", found.data.images, found.flags, found.data.labels)
            yield ScanResult(card.name, scans, half, verdicts)


def table(results: Sequence[ScanResult]) -> TextTable:
    """A row for each result, and a column for each flag."""
    names = [flag.names[0] for flag in Flag]
    return TextTable("Real scans", (*COLUMNS, *names), [_row(each) for each in results], NOTES)


NOTES = (
    "The half `learned from` was used in development, and networks with `scanned` in their recipes "
    "learned from it; `reported` is only measured.",
    "Letters are folded to the cases that a network tells apart; what it does not know is left out.",
    "Uncertain: below the network's threshold, or flagged. The last columns are the share of each flag.",
)


def _row(found: ScanResult) -> tuple[str, ...]:
    return (
        found.name,
        found.scans,
        found.half,
        f"{len(found.verdicts):,}",
        percent(found.top1),
        percent(found.top3),
        percent(found.uncertain, 1),
        *(percent(share, 1) for share in found.flagged.values()),
    )


def record(found: ScanResult) -> dict[str, object]:
    """One row for a JSON file."""
    return {
        "name": found.name,
        "scans": found.scans,
        "half": found.half,
        "images": len(found.verdicts),
        "top1": found.top1,
        "top3": found.top3,
        "uncertain": found.uncertain,
        "flags": found.flagged,
    }
