"""Small data sets and recipes for the training line: drawn here, trained in seconds."""

from dataclasses import replace
from functools import cache

from training.recipe import Recipe
from training.sets.data import Split
from training.sets.tasks import DIGITS, draw

LAYOUT = {"kind": "convnet", "stages": ((8,), (16,)), "classes": 10}

SMALL = Recipe("small", "digits", LAYOUT, epochs=3, draws=1280, batch=64, average=0.9)


@cache
def drawn_digits(seed: int = 0) -> Split:
    """600, 100 and 100 drawn digits."""
    return draw(DIGITS, seed)


def short(**changes: object) -> Recipe:
    """A recipe of seconds, with these changes."""
    return replace(SMALL, **changes)  # type: ignore[arg-type]
