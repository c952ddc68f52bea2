"""A tiny network that says whether a glyph is one character at all: the recognising ones always answer.

It is no served model: it screens the glyphs made of image files, whichever network reads them.
"""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .card import WEIGHTS
from .flags import Flag
from .opening import open_predictor

if TYPE_CHECKING:
    from .predictor import Images, Predictor

FOLDER = WEIGHTS / "screen"
"""Beside the served networks, not among them."""

NAME = "screen"

CLASSES = (Flag(0), Flag.SEVERAL_CHARACTERS, Flag.NOT_A_CHARACTER)
"""What the network tells apart: a character, several, none."""


class Screen:
    """The network in memory, used by one thread at a time."""

    def __init__(self, predictor: "Predictor") -> None:
        self._predictor = predictor
        predictor.warm_up()

    def flags(self, glyphs: "Images") -> npt.NDArray[np.uint8]:
        """(n, 28, 28) uint8, ink bright on dark -> (n,) bits of Flag."""
        likely = self._predictor.probabilities(glyphs)
        bits: npt.NDArray[np.uint8] = np.array(CLASSES, np.uint8)[1 + likely[:, 1:].argmax(axis=1)]
        bits[likely[:, 0] >= self._predictor.card.uncertain_below] = 0
        return bits


def open_screen(device: str = "auto", threads: int = 0) -> Screen:
    """The shipped network. Raises BadCard."""
    return Screen(open_predictor(NAME, FOLDER, device=device, threads=threads))
