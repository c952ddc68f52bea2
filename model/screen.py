"""A tiny network that tells whether a glyph is one character at all; networks that read always name one.

It is not served by itself: it screens the glyphs made from image files, for all networks without a
screen of their own (see own_screens).
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from . import own_screens
from .card import WEIGHTS
from .engines.opening import open_predictor
from .engines.predictor import Floats, Images, Predictor, softmax
from .flags import Flag

FOLDER = WEIGHTS / own_screens.FOLDER
"""Beside the served networks, not among them."""

NAME = "screen"

CLASSES = (Flag(0), Flag.SEVERAL_CHARACTERS, Flag.NOT_A_CHARACTER)
"""What the network tells apart: a character, several, none."""


class Screen:
    """Flags glyphs that are not one character, on as many threads at a time as its network."""

    def __init__(self, predictor: Predictor) -> None:
        """`predictor` is a network that screens, or one that reads and has a screen of its own."""
        self._predictor = predictor
        self._card = predictor.screen or predictor.card

    def warm_up(self) -> None:
        """Make the first glyph as fast as others; a screen of its own is warmed up with its network."""
        if not self._predictor.screen:
            self._predictor.warm_up()

    def flags(self, glyphs: Images, outputs: Floats | None = None) -> npt.NDArray[np.uint8]:
        """(n, 28, 28) uint8, ink bright on dark -> (n,) bits of Flag. `outputs` are those of the network
        that reads the glyphs, if known: if the screen is that network's own, they save a pass."""
        if outputs is None or not self._predictor.screen:
            outputs = self._predictor.outputs(glyphs)
        likely = softmax(outputs[:, -len(CLASSES) :], self._card.temperature)
        bits: npt.NDArray[np.uint8] = np.array(CLASSES, np.uint8)[1 + likely[:, 1:].argmax(axis=1)]
        bits[likely[:, 0] >= self._card.uncertain_below] = 0
        return bits


def open_screen(device: str = "auto", threads: int = 0) -> Screen:
    """The shipped screen, for networks without one of their own. Raises BadCard."""
    return Screen(open_predictor(NAME, FOLDER, device=device, threads=threads))


def screen_of(predictor: Predictor, shared: Callable[[], Screen] = open_screen) -> Screen:
    """The screen for `predictor`: its own, or else the `shared` one. Raises what `shared` raises."""
    return Screen(predictor) if predictor.screen else shared()
