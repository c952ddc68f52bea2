"""Where ink may be one character or several that touch, the network's confidence in each decides.

Runs in the network's process, so it needs no image library.
"""

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean

from ..layout import Character


def choose(characters: Sequence[Character], confidences: Sequence[float]) -> list[int]:
    """The indices of the characters that stand, in order: in each group, those of the reading with the
    highest mean confidence.

    `confidences[i]` is the network's for `characters[i]`, 0..1. The lower reading wins a tie.
    """
    rivals: dict[int, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for character, confidence in zip(characters, confidences, strict=True):
        rivals[character.group][character.reading].append(confidence)
    best = {
        group: max(readings.items(), key=lambda each: (fmean(each[1]), -each[0]))[0]
        for group, readings in rivals.items()
    }
    return [at for at, each in enumerate(characters) if each.reading == best[each.group]]
