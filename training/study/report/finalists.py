"""The finalists on the test set: means over seeds, cost, and each against the next by McNemar's test."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import mean

from ...measures.answers import Answers
from ...measures.evaluate import Evaluation
from ...measures.significance import Duel, mcnemar, wilson
from ...tables import TextTable, percent, short
from ..chapter import Chapter
from ..statistics import told
from ..trials.trial import Outcome
from .exam import Exam

COLUMNS = ("network", "chapter", "parameters", "MACs", "seeds", "validation", "test", "against the next")

NOTES = (
    "Best first. For several seeds, the mean ± half the 95 % interval of the mean (Student's t); for "
    "one, the share and its 95 % interval (Wilson). MACs: multiply-accumulates an image.",
    "Against the next: how many images only this network reads right, and how many only the one below "
    "it (each by its first seed), and p of the exact McNemar test.",
)


@dataclass(frozen=True)
class Finalist:
    """A network of the study by name and chapter: its `outcomes` and test `answers`, one a seed."""

    name: str
    chapter: str
    outcomes: Sequence[Outcome]
    answers: Sequence[Answers]

    @property
    def tested(self) -> list[float]:
        """The share of the test images read right, for each seed."""
        return [float(each.right.mean()) for each in self.answers]

    @property
    def validated(self) -> list[float]:
        """The share of the validation images read right, for each seed."""
        return [each.accuracy for each in self.outcomes]

    @property
    def macs(self) -> int:
        """Multiply-accumulates an image."""
        return self.outcomes[0].macs


def measure(chapters: Sequence[Chapter], exam: Exam, trials: Path, labels: str) -> list[Finalist]:
    """Every finalist of every chapter, the best on the test set first."""
    found = [
        Finalist(
            name, chapter.title, outcomes, [exam.finalist(each, trials, labels) for each in outcomes]
        )
        for chapter in chapters
        for name, outcomes in chapter.finalists.items()
    ]
    return sorted(found, key=lambda each: -mean(each.tested))


def chosen(finalists: Sequence[Finalist]) -> Finalist:
    """The best on validation images, which is the one that would be chosen."""
    return max(finalists, key=lambda each: mean(each.validated))


def table(finalists: Sequence[Finalist], best: Evaluation) -> TextTable:
    """A row for each, and one for the network that is served, by their accuracy on the test set."""
    served = (float(best.answers.right.mean()), _row_of_best(best), best.answers)
    those = [(mean(each.tested), _row(each), each.answers[0]) for each in finalists]
    ordered = sorted([served, *those], key=lambda each: -each[0])
    duels = [_told(mcnemar(one[2].right, two[2].right)) for one, two in pairwise(ordered)]
    rows = [(*row, duel) for (_, row, _), duel in zip(ordered, [*duels, ""], strict=True)]
    return TextTable("The test set", COLUMNS, rows, NOTES)


def _row(each: Finalist) -> tuple[str, ...]:
    first = each.outcomes[0]
    tested = told(each.tested) if len(each.answers) > 1 else _share(each.answers[0])
    cost = (f"{first.parameters:,}", short(first.macs), str(len(each.answers)))
    return (each.name, each.chapter, *cost, told(each.validated), tested)


def _row_of_best(best: Evaluation) -> tuple[str, ...]:
    cost = (f"{best.cost.parameters:,}", short(best.cost.macs), "1")
    return (best.card.name, "as it is served", *cost, "", _share(best.answers))


def _share(answers: Answers) -> str:
    low, high = wilson(answers.right.sum(), len(answers))
    return f"{percent(float(answers.right.mean()))} ({100 * low:.2f} to {100 * high:.2f})"


def _told(duel: Duel) -> str:
    return f"{duel.only_first:,} : {duel.only_second:,}, p = {duel.p:.2g}"
