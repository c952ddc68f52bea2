"""Why two characters are confused: sentences that are chosen and filled by measured evidence."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...measures.metrics import Pair
from ...measures.significance import wilson
from ...tables import percent

A_CLASS = 200
"""How many training images of each class are compared in the search for nearest neighbours."""

ALIKE, UNLIKE = 1 / 20, 1 / 4
"""Pairs whose rank is within the first share of all pairs look alike; those beyond the second do not."""

OFTEN, SELDOM = 0.8, 0.5
"""If this share of second guesses is right, the ink is ambiguous; below the other, images are odd."""

NOTABLE = 1 / 5
"""A digit is mentioned if this share of the mistaken images is taken for it."""


@dataclass(frozen=True)
class Cases:
    """How many mistaken `images` of `letter` are `small` ones, whose share of all images is `usual`."""

    letter: str
    images: int
    small: int
    usual: float


@dataclass(frozen=True)
class Evidence:
    """What was measured of a pair's mistakes.

    `forth` images of the first were read as the second, `back` the other way. `confidence` is their
    median confidence, `second` the share whose second guess is right; below `uncertain_below` the
    network calls itself uncertain. `neighbours` is the share of training images of the two whose nearest
    neighbour is of the other, which makes them number `rank` of all `pairs`. `digits` are the digits
    that a network that knows digits takes the mistaken images for, with their numbers, most first.
    """

    pair: Pair
    forth: int
    back: int
    confidence: float
    second: float
    uncertain_below: float
    neighbours: float
    rank: int
    pairs: int
    cases: Sequence[Cases] = ()
    digits: Sequence[tuple[str, int]] = ()


def reason(found: Evidence) -> str:
    """A few sentences: which way, how sure, how alike, which case, which digit."""
    rules = (_direction, _certainty, _likeness, _case, _digit)
    return " ".join(sentence for rule in rules for sentence in rule(found))


def _direction(found: Evidence) -> Iterator[str]:
    directions = [(found.forth, found.pair.first, found.pair.second)]
    directions.append((found.back, found.pair.second, found.pair.first))
    (most, truth, read), (least, *_) = sorted(directions, reverse=True)
    if wilson(most, most + least)[0] > 1 / 2:
        yield f"Mostly one way: {most} of {most + least} are {truth} read as {read}."
    else:
        yield f"Both ways: {most} times {truth} is read as {read}, {least} times {read} as {truth}."


def _certainty(found: Evidence) -> Iterator[str]:
    unsure = found.confidence < found.uncertain_below
    guess = f"its second guess is right for {percent(found.second, 0)}"
    sure = f"median confidence {percent(found.confidence, 0)}"
    if found.second < SELDOM:
        yield f"Odd images: {guess} only; they look like neither, or bear a wrong label."
    elif unsure and found.second >= OFTEN:
        yield f"The ink is ambiguous: the network is unsure ({sure}) and {guess}."
    elif unsure:
        yield f"The network is unsure ({sure}); {guess}."
    else:
        yield f"The network is sure of most ({sure}): they look like the other, or bear its label."


def _likeness(found: Evidence) -> Iterator[str]:
    share = f"{percent(found.neighbours, 1)} of {A_CLASS} training images of each"
    rank = f"rank {found.rank} of {found.pairs} pairs"
    if not found.neighbours:
        yield (
            f"The shapes are not alike: of {A_CLASS} training images of each, none has its nearest "
            "neighbour in the other."
        )
    elif found.rank <= max(1, found.pairs * ALIKE):
        yield f"The shapes are alike: {share} have their nearest neighbour in the other ({rank})."
    elif found.rank > found.pairs * UNLIKE:
        yield f"The shapes are seldom alike: {share} have a nearest neighbour in the other ({rank})."


def _case(found: Evidence) -> Iterator[str]:
    for each in found.cases:
        low, high = wilson(each.small, each.images)
        forms = {
            "small": (each.small, each.usual),
            "capital": (each.images - each.small, 1 - each.usual),
        }
        form = "small" if low > each.usual else "capital" if high < each.usual else ""
        if form:
            count, usual = forms[form]
            yield (
                f"Of the mistaken {each.letter} {count} of {each.images} are {form} letters, "
                f"of all {percent(usual, 0)}."
            )


def _digit(found: Evidence) -> Iterator[str]:
    if found.digits and found.digits[0][1] >= NOTABLE * found.pair.mistakes:
        digit, images = found.digits[0]
        whole = found.pair.mistakes
        yield f"A network that knows digits, too, takes {images} of the {whole} images for a {digit}."
