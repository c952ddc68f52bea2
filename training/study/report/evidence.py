"""The measurements behind `reasons`: likeness of images, confidence in mistakes, cases and digits."""

import numpy as np

from model.engines.predictor import Floats, Predictor

from ...measures.answers import Answers, Ints
from ...measures.metrics import Pair
from ...sets.data import Array, Set
from .reasons import A_CLASS, Cases, Evidence


def evidence(
    pair: Pair,
    answers: Answers,
    uncertain_below: float,
    images: Array,
    near: Floats,
    other: Predictor | None,
) -> Evidence:
    """The evidence on a pair, by `answers` on `images` and by `near` (see `neighbours`).

    `other` is a network that tells cases apart and knows digits, if there is one.
    """
    one, two = answers.labels.index(pair.first), answers.labels.index(pair.second)
    forth, back = (_mistaken(answers, *way) for way in ((one, two), (two, one)))
    rows = np.concatenate([forth, back])
    second = np.argsort(-answers.probabilities[rows], axis=1, kind="stable")[:, 1]
    every = near[np.triu_indices(len(near), 1)]
    return Evidence(
        pair,
        len(forth),
        len(back),
        confidence=float(np.median(answers.confidence[rows])),
        second=float((second == answers.truth[rows]).mean()),
        uncertain_below=uncertain_below,
        neighbours=float(near[one, two]),
        rank=1 + int((every > near[one, two]).sum()),
        pairs=len(every),
        cases=[found for way in (forth, back) if other for found in _cases(other, answers, images, way)],
        digits=_digits(other, images[rows]) if other else (),
    )


def _mistaken(answers: Answers, truth: int, read: int) -> Ints:
    return np.flatnonzero((answers.truth == truth) & (answers.read == read))


def neighbours(train: Set, classes: int) -> Floats:
    """How alike any two classes are, a symmetric matrix (classes, classes).

    It is the share of A_CLASS images of each of the two whose nearest neighbour among those of all
    classes, by the distance of their pixels, is of the other class.
    """
    rows = [np.flatnonzero(train.labels == each)[:A_CLASS] for each in range(classes)]
    some = train.take(np.concatenate(rows))
    pixels = some.images.reshape(len(some), -1).astype(np.float32) / 255
    squares = (pixels**2).sum(axis=1)
    distances = squares[None] - 2 * pixels @ pixels.T  # without what is the same along a row
    np.fill_diagonal(distances, np.inf)
    nearest = some.labels[distances.argmin(axis=1)]
    counts = np.zeros((classes, classes), np.float32)
    np.add.at(counts, (some.labels, nearest), 1)
    sizes = np.array([len(each) for each in rows], np.float32)
    shares: Floats = (counts + counts.T) / np.maximum(sizes[:, None] + sizes[None], 1)
    return shares


def _cases(other: Predictor, answers: Answers, images: Array, mistaken: Ints) -> list[Cases]:
    """The cases of the letter whose images are `mistaken`, if `other` tells them apart."""
    if not len(mistaken):
        return []
    letter = answers.labels[answers.truth[mistaken[0]]]
    known, small = other.card.labels, letter.lower()
    if small == letter or small in answers.labels or not {small, letter} <= set(known):
        return []
    allowed = [known.index(small), known.index(letter)]
    every = np.flatnonzero(answers.truth == answers.truth[mistaken[0]])
    is_small = other.probabilities(images[every], allowed).argmax(axis=1) == allowed[0]
    of_these = int(is_small[np.isin(every, mistaken)].sum())
    return [Cases(letter, len(mistaken), of_these, float(is_small.mean()))]


def _digits(other: Predictor, images: Array) -> list[tuple[str, int]]:
    read = other.logits(images).argmax(axis=1)
    counts = {
        each: int((read == at).sum()) for at, each in enumerate(other.card.labels) if each.isdigit()
    }
    return sorted(((each, count) for each, count in counts.items() if count), key=lambda one: -one[1])
