"""What a charset does to a network: accuracy and calibration if only some labels may be answered."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from model.card import Card
from model.charset import allowed_classes
from model.engines.predictor import Predictor
from model.ink.normalization import normalize

from ..sets.data import Set
from ..sets.tasks import read_split, task_of
from ..tables import TextTable, percent
from .answers import Answers
from .evaluate import open_network
from .metrics import top_accuracy
from .reliability import coverage_at, expected_calibration_error

MARGIN = 4
"""Dark pixels put around a glyph, so that it is not 28x28 any more and is normalized."""

WAYS = {"as they are": False, "framed anew": True}
"""Whether glyphs are framed anew: 28x28 images reach the network unchanged, others are normalized."""


@dataclass(frozen=True)
class CharsetResult:
    """Figures of a network on the images of a test set that the charset allows."""

    network: str
    charset: str
    measured_on: str
    way: str
    images: int
    top1: float
    top3: float
    ece: float
    coverage: float
    accuracy_of_sure: float


def read_charset(
    name: str, charset: str, data: Path, runs: Path, quick: bool, threads: int
) -> tuple[list[TextTable], list[dict[str, object]]]:
    """The table of the network `name` under `charset`, and its figures for a JSON file.

    It is measured only on the test set of its own task: the digits of MNIST and EMNIST come from the
    same forms, so neither set is new to a network that learned from the other. Raises BadCard,
    BadCharset, BadData.
    """
    found = list(measure_charset(open_network(name, runs, threads)[0], charset, data, quick))
    return [table(found)], [asdict(each) for each in found]


def measure_charset(
    predictor: Predictor, charset: str, data: Path, quick: bool = False
) -> Iterator[CharsetResult]:
    """Yield a result for each of WAYS; `quick`: on a set drawn here.

    Raises BadCard, BadCharset, BadData.
    """
    card = predictor.card
    allowed = allowed_classes(charset, card.labels)
    split = read_split(task_of(card).name, data, quick)
    test = split.test.take(np.flatnonzero(np.isin(split.test.labels, allowed)))
    for way, anew in WAYS.items():
        shown = frame_anew(test, card) if anew else test
        answers = Answers(predictor.probabilities(shown.images, allowed), test.labels, card.labels)
        yield _result(answers, card, charset, split.measured_on, way)


def frame_anew(glyphs: Set, card: Card) -> Set:
    """The glyphs with a margin, normalized as the card says."""
    pictures = (np.pad(each, MARGIN) for each in glyphs.images)
    return Set(
        np.stack([normalize(each, card.normalization).pixels for each in pictures]), glyphs.labels
    )


def table(results: Sequence[CharsetResult]) -> TextTable:
    """A row for each result."""
    columns = (
        "test set",
        "glyphs",
        "images",
        "top-1",
        "top-3",
        "ECE",
        "not uncertain",
        "right of these",
    )
    rows = [
        (
            each.measured_on,
            each.way,
            f"{each.images:,}",
            percent(each.top1),
            percent(each.top3),
            f"{each.ece:.4f}",
            percent(each.coverage, 1),
            percent(each.accuracy_of_sure),
        )
        for each in results
    ]
    title = f"{results[0].network}, charset {results[0].charset}"
    return TextTable(title, columns, rows, NOTES)


NOTES = (
    "Measured on the test images that the charset allows; labels outside it cannot be answered.",
    "As they are: what a user gets who sends these 28x28 glyphs. Framed anew: each glyph is given a "
    "margin, so that it is normalized.",
)


def _result(answers: Answers, card: Card, charset: str, measured_on: str, way: str) -> CharsetResult:
    sure = coverage_at(answers, card.uncertain_below)
    return CharsetResult(
        network=card.name,
        charset=charset,
        measured_on=measured_on,
        way=way,
        images=len(answers),
        top1=top_accuracy(answers, 1),
        top3=top_accuracy(answers, 3),
        ece=expected_calibration_error(answers),
        coverage=sure.share,
        accuracy_of_sure=sure.accuracy,
    )
