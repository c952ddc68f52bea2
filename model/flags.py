"""Quality flags of an image of a character: bits that travel with each result."""

from enum import IntFlag
from functools import cache


class Flag(IntFlag):
    """Stored as one byte, so no bit may ever change its meaning."""

    BLANK = 1  # no ink
    LOW_CONTRAST = 2  # ink hardly darker than its paper
    SEVERAL_CHARACTERS = 4  # more than one
    TOUCHES_EDGE = 8  # ink runs out of the picture: cut off
    TOO_SMALL = 16  # ink of a few pixels only
    NOT_A_CHARACTER = 32  # ink of another kind: a line, a scribble, a part

    @property
    def names(self) -> list[str]:
        """The flags as clients see them: `several_characters`."""
        return list(_names(self)) if self else []


NONE = Flag(0)

FLAGS = tuple(map(Flag, range(256)))
"""All flags, by their byte: looking one up is quicker than making it."""


@cache  # results come by the thousand
def _names(flags: Flag) -> tuple[str, ...]:
    return tuple(str(flag.name).lower() for flag in flags)
