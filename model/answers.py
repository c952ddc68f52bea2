"""What a network says of glyphs, as plain data, for what reads in this process."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .flags import Flag
from .glyph import Glyph
from .predictor import likeliest
from .writing import said

if TYPE_CHECKING:
    from .predictor import Predictor
    from .screen import Screen

TOP_K = 3

Said = dict[str, Any]
"""label, confidence, uncertain, flags, top_k: as the service says them."""


def answers(
    predictor: "Predictor", glyphs: Sequence[Glyph], allowed: Sequence[int] | None = None
) -> list[Said]:
    """Of each glyph; `allowed` are the classes it may be (None: all)."""
    if not glyphs:
        return []
    card = predictor.card
    probabilities = predictor.probabilities(np.stack([each.pixels for each in glyphs]), allowed)
    width = min(TOP_K, len(allowed or card.labels))
    best, values = likeliest(probabilities, width)
    return [
        said(
            {},
            card.labels,
            classes,
            likely,
            likely[0] < card.uncertain_below or bool(glyph.flags),
            glyph.flags,
        )
        for glyph, classes, likely in zip(glyphs, best, values, strict=True)
    ]


def screened(glyphs: Sequence[Glyph], screen: "Screen") -> list[Glyph]:
    """The same, each with what the screen says against it, too; of a blank one, it says nothing."""
    found = list(glyphs)
    shown = [at for at, glyph in enumerate(glyphs) if Flag.BLANK not in glyph.flags]
    if shown:
        bits = screen.flags(np.stack([glyphs[at].pixels for at in shown]))
        for at, more in zip(shown, bits.tolist(), strict=True):
            found[at] = Glyph(glyphs[at].pixels, glyphs[at].flags | Flag(more))
    return found
