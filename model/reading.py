"""Glyphs become answers: logits masked, calibrated and judged, in a worker as in `inkqueue read`."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from .answers import Answer
from .card import Card
from .engines.predictor import Floats, Images, Predictor, likeliest, softmax
from .flags import FLAGS, Flag
from .glyph import Glyph

TOP_K = 3

Bits = npt.NDArray[np.uint8]
"""Bits of Flag."""

Screen = Callable[[Images, Floats], Bits]
"""(n, 28, 28), n > 0, and their Predictor.outputs -> (n,) bits of Flag (see model.screen)."""


def decide(
    logits: Floats, flags: Bits, card: Card, allowed: Sequence[int] | None, top_k: int
) -> list[Answer]:
    """An answer for each row of `logits` (n, classes); `flags` (n,) has the bits of its glyph.

    `allowed` are the classes that an answer may name (None: all); it names the `top_k` likeliest.
    """
    probabilities = softmax(logits, card.temperature, allowed)
    known = len(card.labels) if allowed is None else len(allowed)
    best, likely = likeliest(probabilities, min(top_k, known))
    uncertain = (likely[0].astype(np.float64) < card.uncertain_below) | (flags > 0)
    rows = (zip(*columns.tolist(), strict=True) for columns in (best, likely))
    own = map(FLAGS.__getitem__, flags.tolist())
    return list(map(Answer, *rows, uncertain.tolist(), own))  # a third quicker than one by one


def read(
    predictor: Predictor,
    glyphs: Sequence[Glyph],
    allowed: Sequence[int] | None = None,
    screen: Screen | None = None,
) -> list[Answer]:
    """The answer to each glyph; `allowed` as in `decide`. `screen` adds its flags to a glyph's own."""
    if not glyphs:
        return []
    pixels = np.stack([each.pixels for each in glyphs])
    flags = np.array([each.flags for each in glyphs], np.uint8)
    outputs = predictor.outputs(pixels)
    if screen:
        every = np.ones(len(glyphs), np.bool_)
        flags = screened(flags, every, pixels, outputs, screen, len(glyphs))
    return decide(outputs[:, : len(predictor.card.labels)], flags, predictor.card, allowed, TOP_K)


def screened(
    flags: Bits,
    those: npt.NDArray[np.bool_],
    glyphs: Images,
    outputs: Floats,
    screen: Screen,
    most: int,
) -> Bits:
    """Add the flags that `screen` gives to `flags` (n,), in place, and return them.

    Only the glyphs that the mask `those` (n,) selects are screened, at most `most` at a time, and none
    that is blank.
    """
    shown = np.flatnonzero(those & (flags & Flag.BLANK == 0))
    for start in range(0, len(shown), most):
        some = shown[start : start + most]
        flags[some] |= screen(glyphs[some], outputs[some])
    return flags
