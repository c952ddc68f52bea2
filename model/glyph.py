"""A glyph: what a network is shown of a character, and what speaks against it."""

from typing import NamedTuple

from .flags import NONE, Flag
from .images import Grey


class Glyph(NamedTuple):
    """`pixels` are (28, 28) uint8, ink bright on dark."""

    pixels: Grey
    flags: Flag = NONE
