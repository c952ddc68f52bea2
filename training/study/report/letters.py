"""One letter of a network's answers: how well it is read, what it is taken for, what is taken for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan, nan

import numpy as np

from ...measures.answers import Answers, Ints
from ...measures.metrics import ClassFigures, per_class
from ...measures.significance import wilson
from ...tables import TextTable, percent

Counts = Sequence[tuple[str, int]]
"""Letters and how many images of each, most first."""


@dataclass(frozen=True)
class Letter:
    """`figures` of a class, and the 95 % interval (Wilson) of its recall: nan if it has no image."""

    figures: ClassFigures
    interval: tuple[float, float]
    taken_for: Counts
    mistaken_from: Counts

    @property
    def label(self) -> str:
        """The letter itself."""
        return self.figures.label

    @property
    def summary(self) -> str:
        """Its accuracy in a sentence."""
        figures, (low, high) = self.figures, self.interval
        if not figures.images:
            return f"No image of {self.label} was measured."
        right = round(figures.recall * figures.images)
        read = (
            f"Nothing is read as {self.label}."
            if isnan(figures.precision)
            else f"{percent(figures.precision, 1)} of what is read as {self.label} is one."
        )
        return (
            f"{right:,} of {figures.images:,} images of {self.label} are read right: "
            f"{percent(figures.recall, 1)} (95 % interval {100 * low:.1f} to {100 * high:.1f}). {read}"
        )


def every_letter(answers: Answers) -> list[Letter]:
    """All letters, in the order of the labels."""
    return [_letter(answers, at, figures) for at, figures in enumerate(per_class(answers))]


def by_recall(letters: Sequence[Letter]) -> list[Letter]:
    """Those of which there are images, the worst read first."""
    measured = (each for each in letters if each.figures.images)
    return sorted(measured, key=lambda each: each.figures.recall)


def _letter(answers: Answers, at: int, figures: ClassFigures) -> Letter:
    wrong = answers.confusion.copy()
    np.fill_diagonal(wrong, 0)
    low = high = nan
    if figures.images:
        low, high = map(float, wilson(answers.confusion[at, at], figures.images))
    return Letter(
        figures, (low, high), _counts(wrong[at], answers.labels), _counts(wrong[:, at], answers.labels)
    )


def _counts(images: Ints, labels: str) -> Counts:
    order = np.argsort(-images, kind="stable")
    return [(labels[each], int(images[each])) for each in order if images[each]]


def label_meant(letter: str, labels: str) -> str:
    """The label that a person means by `letter`: itself, or its capital. Raises ValueError if none."""
    for each in (letter, letter.upper()):
        if len(each) == 1 and each in labels:
            return each
    raise ValueError(f"{letter!r} is none of {labels}")


def letter_table(letter: Letter) -> TextTable:
    """What a letter is confused with, as a table; its accuracy below."""
    directions = (letter.taken_for, letter.mistaken_from)
    names = dict.fromkeys(name for each in directions for name, _ in each)
    counts = [dict(each) for each in directions]
    rows = [
        (name, *(str(count.get(name, 0)) for count in counts))
        for name in sorted(names, key=lambda name: -sum(count.get(name, 0) for count in counts))
    ]
    columns = ("character", f"{letter.label} taken for it", f"it taken for {letter.label}")
    notes = [letter.summary] if rows else [letter.summary, "No mistake was seen."]
    return TextTable(f"What {letter.label} is confused with", columns, rows, notes)
