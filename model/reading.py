"""Glyphs become answers: logits masked, calibrated and judged, in a worker as in `inkqueue read`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .answers import Answer
from .card import Card
from .flags import FLAGS, Flag
from .glyph import Glyph
from .predictor import Floats, Predictor, likeliest, softmax

if TYPE_CHECKING:
    from .screen import Screen

TOP_K = 3


def decide(
    logits: Floats, flags: npt.NDArray[np.uint8], card: Card, allowed: Sequence[int] | None, top_k: int
) -> list[Answer]:
    """An answer for each row of `logits` (n, classes), with the bits of Flag (n,) of its glyph.

    `allowed` are the classes it may name (None: all); it names the `top_k` likeliest of them.
    """
    probabilities = softmax(logits, card.temperature, allowed)
    known = len(card.labels) if allowed is None else len(allowed)
    best, likely = likeliest(probabilities, min(top_k, known))
    rows = zip(best, likely, flags.tolist(), strict=True)
    return [
        Answer(tuple(classes), tuple(values), values[0] < card.uncertain_below or bits > 0, FLAGS[bits])
        for classes, values, bits in rows
    ]


def read(
    predictor: Predictor, glyphs: Sequence[Glyph], allowed: Sequence[int] | None = None
) -> list[Answer]:
    """The answer to each glyph; `allowed` as above."""
    if not glyphs:
        return []
    logits = predictor.logits(np.stack([each.pixels for each in glyphs]))
    flags = np.array([each.flags for each in glyphs], np.uint8)
    return decide(logits, flags, predictor.card, allowed, TOP_K)


def screened(glyphs: Sequence[Glyph], screen: "Screen") -> list[Glyph]:
    """The same glyphs, with the screen's flags added; a blank one is not shown to it."""
    found = list(glyphs)
    shown = [at for at, glyph in enumerate(glyphs) if Flag.BLANK not in glyph.flags]
    if shown:
        bits = screen.flags(np.stack([glyphs[at].pixels for at in shown]))
        for at, more in zip(shown, bits.tolist(), strict=True):
            found[at] = Glyph(glyphs[at].pixels, glyphs[at].flags | Flag(more))
    return found
