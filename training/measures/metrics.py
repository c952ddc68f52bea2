"""How often a network is right: top-k, likelihood, class by class, and with look-alikes taken as one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .answers import Answers, Ints

LOOK_ALIKES = ("0O", "1IL", "9gq", "fF", "5S", "2Z")
"""Characters that nobody can tell apart by a glyph on its own."""

MOST_PAIRS = 10


def top_accuracy(answers: Answers, k: int) -> float:
    """The share of images whose class is among the `k` likeliest."""
    best = np.argsort(-answers.probabilities, axis=1)[:, :k]
    return float((best == answers.truth[:, None]).any(axis=1).mean())


def negative_log_likelihood(answers: Answers) -> float:
    """Mean of -ln p(right class), in nats."""
    right = answers.probabilities[np.arange(len(answers)), answers.truth]
    return -float(np.log(np.maximum(right, 1e-12)).mean())


def groups_in(labels: str) -> list[str]:
    """The look-alike groups without what `labels` lacks, if two or more characters remain."""
    present = ("".join(each for each in group if each in labels) for group in LOOK_ALIKES)
    return [group for group in present if len(group) > 1]


def merged_accuracy(answers: Answers) -> float:
    """top-1 if every look-alike group were one class."""
    merged = np.arange(len(answers.labels))
    for group in groups_in(answers.labels):
        merged[[answers.labels.index(each) for each in group]] = answers.labels.index(group[0])
    return float((merged[answers.read] == merged[answers.truth]).mean())


@dataclass(frozen=True)
class ClassFigures:
    """One class: how many images it has, and its recall and precision."""

    label: str
    images: int
    recall: float
    precision: float
    taken_for: str
    """The class it is most often mistaken for; empty if it never is."""


def per_class(answers: Answers) -> list[ClassFigures]:
    """Figures of every class, in the order of the labels; nan where there is nothing to divide by."""
    confusion = answers.confusion
    hits, images, reads = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    wrong = confusion - np.diag(hits)
    with np.errstate(invalid="ignore"):
        recalls, precisions = hits / images, hits / reads
    return [
        ClassFigures(
            label, int(images[at]), float(recalls[at]), float(precisions[at]), _worst(answers, wrong[at])
        )
        for at, label in enumerate(answers.labels)
    ]


def _worst(answers: Answers, wrong: Ints) -> str:
    return answers.labels[int(wrong.argmax())] if wrong.any() else ""


@dataclass(frozen=True)
class Pair:
    """Two characters, and how many images of either were read as the other."""

    first: str
    second: str
    mistakes: int


def confused_pairs(answers: Answers) -> Sequence[Pair]:
    """The MOST_PAIRS pairs with the most mistakes, the worst first; no pair without a mistake."""
    both = np.triu(answers.confusion + answers.confusion.T, 1)
    order = np.argsort(-both, axis=None, kind="stable")[:MOST_PAIRS]
    places, labels = zip(*np.unravel_index(order, both.shape), strict=True), answers.labels
    return [Pair(labels[row], labels[at], int(both[row, at])) for row, at in places if both[row, at]]
