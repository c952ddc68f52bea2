"""A network's answer to a glyph, and how the answers to all characters of an image add up.

Shared by the service and by `inkqueue read`; the gateway imports it, so it needs no numpy.
"""

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import NamedTuple

from .flags import NONE, Flag


class Answer(NamedTuple):  # made by the million, in half the time of a frozen dataclass
    """The likeliest classes, best first, with their probabilities, and the flags of the glyph. An answer
    is uncertain if there is any flag, or if the first probability is too low."""

    classes: tuple[int, ...]
    probabilities: tuple[float, ...]
    uncertain: bool
    flags: Flag = NONE


def confidence_of(answers: Sequence[Answer]) -> float | None:
    """The mean confidence of an image's characters, to 7 digits; None if there are none."""
    if not answers:
        return None
    return round(sum(each.probabilities[0] for each in answers) / len(answers), 7)


def flags_of(answers: Sequence[Answer]) -> Flag:
    """The flags of all characters together; an image without characters is blank."""
    return reduce(or_, (each.flags for each in answers), NONE) if answers else Flag.BLANK


def is_uncertain(answers: Sequence[Answer]) -> bool:
    """Whether any character is uncertain, or there is none."""
    return not answers or any(each.uncertain for each in answers)
