"""A glyph: what a network is shown of a character, and its quality flags."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .flags import NONE, Flag


class Glyph(NamedTuple):
    """`pixels` are (28, 28) uint8, ink bright on dark."""

    pixels: npt.NDArray[np.uint8]
    flags: Flag = NONE
