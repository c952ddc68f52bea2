"""From what the network says of glyphs to results: masked, calibrated, rivals settled, by image."""

from collections.abc import Sequence
from itertools import islice

from model.card import Card
from model.charset import allowed_classes
from model.flags import FLAGS
from model.glyph import Glyph
from model.layout import Character
from model.predictor import Floats, likeliest, softmax
from model.sheets.choosing import choose

from .jobs import Options
from .preparation import Bits, Prepared
from .results import Answer, Failure, Found, Page, Result


def answer(
    prepared: Prepared, logits: Floats, flags: Bits, card: Card, options: Options
) -> list[Result]:
    """The results of a chunk, by the (m, classes) logits and the (m,) bits of its glyphs."""
    answers = _answers(logits, flags, prepared.charsets(), card, options)
    if prepared.outcomes is None:
        return list(answers)
    rest, results = iter(answers), list[Result]()
    for outcome in prepared.outcomes:
        if isinstance(outcome, Failure):
            results.append(outcome)
        elif isinstance(outcome, Glyph):
            results.append(next(rest))
        else:
            results.append(_page(outcome, list(islice(rest, len(outcome)))))
    return results


def _page(characters: Sequence[Character], answers: Sequence[Answer]) -> Page:
    """The characters that stand, with what they say."""
    standing = choose(characters, [each.probabilities[0] for each in answers])
    found = ((answers[at], characters[at]) for at in standing)
    return Page(tuple(Found(said, each.box, each.line, each.word) for said, each in found))


def _answers(
    logits: Floats, flags: Bits, charsets: Sequence[str | None], card: Card, options: Options
) -> Sequence[Answer]:
    """Of each row; `charsets` are of the rows, where images have their own."""
    if not charsets:
        return _likeliest(logits, flags, card, options.charset, options.top_k)
    answers: dict[int, Answer] = {}
    for charset in set(charsets):
        rows = [row for row, own in enumerate(charsets) if own == charset]
        some = _likeliest(logits[rows], flags[rows], card, charset or options.charset, options.top_k)
        answers.update(zip(rows, some, strict=True))
    return [answers[row] for row in range(len(logits))]


def _likeliest(logits: Floats, flags: Bits, card: Card, charset: str | None, top_k: int) -> list[Answer]:
    """The k likeliest allowed classes of each row, calibrated."""
    allowed = _allowed(card, charset)
    probabilities = softmax(logits, card.temperature, allowed)
    best, likely = likeliest(probabilities, min(top_k, len(allowed)))
    rows = zip(best, likely, flags.tolist(), strict=True)
    return [
        Answer(tuple(classes), tuple(values), values[0] < card.uncertain_below or bits > 0, FLAGS[bits])
        for classes, values, bits in rows
    ]


def _allowed(card: Card, charset: str | None) -> list[int]:
    return list(range(len(card.labels))) if charset is None else allowed_classes(charset, card.labels)
