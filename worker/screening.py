"""What speaks against each glyph of a batch: where it was made, and what the screen says of it."""

from collections.abc import Callable, Sequence

import numpy as np

from model.flags import Flag
from model.predictor import Floats, Images

from .passes import MOST
from .preparation import Bits, Prepared

Screen = Callable[[Images, Floats], Bits]
"""(n, 28, 28), n > 0, and Predictor.outputs of them -> (n,) bits of Flag (see model.screen)."""


def unflagged(glyphs: Images, outputs: Floats) -> Bits:
    """A screen that has nothing against anything."""
    return np.zeros(len(glyphs), np.uint8)


def screened(prepared: Sequence[Prepared], glyphs: Images, outputs: Floats, screen: Screen) -> Bits:
    """Of each of the `glyphs`, which are those of `prepared` in order; `outputs` is said of them.

    Only such as were made of files by the network's normalization are shown to the screen, which learned
    from these, and so many at a time; arrays are as their owner made them. What is blank is nothing
    besides.
    """
    flags = np.concatenate([each.flags for each in prepared])
    made = np.concatenate([np.full(len(each.flags), each.normalized) for each in prepared])
    shown = np.flatnonzero(made & (flags & Flag.BLANK == 0))
    for start in range(0, len(shown), MOST):
        some = shown[start : start + MOST]
        flags[some] |= screen(glyphs[some], outputs[some])
    return flags
