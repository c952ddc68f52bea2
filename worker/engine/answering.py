"""From the network's outputs to results, image by image: flagged, masked, calibrated, rivals settled."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, repeat
from typing import TypeAlias

import numpy as np

from model.card import Card
from model.charset import allowed_classes
from model.engines.predictor import Floats, Images
from model.glyph import Glyph
from model.layout import Character
from model.reading import Bits, Screen, decide, screened
from model.sheets.choosing import choose

from ..ledger.results import Answer, Failure, Found, Page, Result
from .passes import MOST
from .preparation import Prepared

Wanted: TypeAlias = tuple[str | None, int]
"""The charset, and how many answers."""


def answer(
    chunks: Sequence[Prepared], glyphs: Images, outputs: Floats, screen: Screen, card: Card
) -> list[list[Result]]:
    """The results of each chunk, from the network's outputs (see Predictor) for the (m, 28, 28) glyphs
    of all, and what `screen` says of them."""
    wanted = [want for each in chunks for want in _wanted(each)]
    flags, logits = _flags(chunks, glyphs, outputs, screen), outputs[:, : len(card.labels)]
    answers = iter(_answers(logits, flags, wanted, card))
    return [_results(each, islice(answers, len(each.glyphs))) for each in chunks]


def _flags(chunks: Sequence[Prepared], glyphs: Images, outputs: Floats, screen: Screen) -> Bits:
    """The (m,) flag bits that the glyphs got when they were made, and those of the screen.

    The screen sees only glyphs that the network's normalization made of files, since it was trained on
    such, MOST at a time; the images of arrays it never sees.
    """
    flags = np.concatenate([each.flags for each in chunks])
    made = np.concatenate([np.full(len(each.flags), each.normalized) for each in chunks])
    return screened(flags, made, glyphs, outputs, screen, MOST)


def _wanted(prepared: Prepared) -> Iterable[Wanted]:
    """What is wanted of each glyph; images may have charsets of their own."""
    options = prepared.options
    if own := prepared.charsets():
        return [(charset or options.charset, options.top_k) for charset in own]
    return repeat((options.charset, options.top_k), len(prepared.glyphs))


def _results(prepared: Prepared, answers: Iterator[Answer]) -> list[Result]:
    if prepared.outcomes is None:
        return list(answers)
    results: list[Result] = []
    for outcome in prepared.outcomes:
        if isinstance(outcome, Failure):
            results.append(outcome)
        elif isinstance(outcome, Glyph):
            results.append(next(answers))
        else:
            results.append(_page(outcome, list(islice(answers, len(outcome)))))
    return results


def _page(characters: Sequence[Character], answers: Sequence[Answer]) -> Page:
    """The characters that prevail over their rivals, each with its answer."""
    standing = choose(characters, [each.probabilities[0] for each in answers])
    found = ((answers[at], characters[at]) for at in standing)
    return Page(tuple(Found(answer, each.box, each.line, each.word) for answer, each in found))


def _answers(logits: Floats, flags: Bits, wanted: Sequence[Wanted], card: Card) -> Sequence[Answer]:
    """The answer of each row. Rows that want the same go together: one by one they cost far more."""
    kinds = set(wanted)
    if len(kinds) == 1:
        return _decided(logits, flags, card, *kinds.pop())
    answers: dict[int, Answer] = {}
    for kind in kinds:
        rows = [row for row, own in enumerate(wanted) if own == kind]
        answers.update(zip(rows, _decided(logits[rows], flags[rows], card, *kind), strict=True))
    return [answers[row] for row in range(len(logits))]


def _decided(logits: Floats, flags: Bits, card: Card, charset: str | None, top_k: int) -> list[Answer]:
    allowed = None if charset is None else allowed_classes(charset, card.labels)
    return decide(logits, flags, card, allowed, top_k)
