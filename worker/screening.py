"""The flags of each glyph of a batch: those that it got when it was made, and those of the screen."""

from collections.abc import Sequence

import numpy as np

from model import reading
from model.predictor import Floats, Images
from model.reading import Bits, Screen

from .passes import MOST
from .preparation import Prepared


def screened(prepared: Sequence[Prepared], glyphs: Images, outputs: Floats, screen: Screen) -> Bits:
    """The (n,) flag bits of the (n, 28, 28) `glyphs`, which are those of `prepared` in order.

    The screen sees only glyphs that the network's normalization made of files, since it was trained on
    such, MOST at a time; the images of arrays it never sees. A blank glyph gets no other flag.
    """
    flags = np.concatenate([each.flags for each in prepared])
    made = np.concatenate([np.full(len(each.flags), each.normalized) for each in prepared])
    return reading.screened(flags, made, glyphs, outputs, screen, MOST)
