"""Small data sets and recipes for tests of training: drawn here, trained in seconds."""

from dataclasses import replace
from functools import cache
from pathlib import Path

from model.engines.torch_predictor import TorchPredictor
from training.publish import finish
from training.recipe import Recipe
from training.run import Run
from training.sets.catalogue import DIGITS
from training.sets.data import Split
from training.sets.tasks import draw
from training.train import Trainer

Pair = tuple[TorchPredictor, TorchPredictor]

LAYOUT = {"kind": "convnet", "stages": ((8,), (16,)), "classes": 10}

CHEAP = {"kind": "lenet", "classes": 10, "convolutions": (), "hidden": (16,)}

SMALL = Recipe("small", "digits", LAYOUT, epochs=3, draws=1280, batch=64, average=0.9)


@cache
def drawn_digits(seed: int = 0) -> Split:
    """600, 100 and 100 drawn digits."""
    return draw(DIGITS, seed)


def short(**changes: object) -> Recipe:
    """A recipe that takes seconds, with these changes."""
    return replace(SMALL, **changes)  # type: ignore[arg-type]


def trained_pair(runs: Path) -> Pair:
    """A hasty perceptron and a better network, both calibrated."""
    split = drawn_digits()
    recipes = short(name="cheap", network=CHEAP, draws=640), short(name="dear")
    for recipe in recipes:
        finish(recipe, Trainer(recipe, split).train(Run(recipe, runs)), split, runs / recipe.name)
    return tuple(TorchPredictor.load(each.name, runs / each.name, "cpu") for each in recipes)  # type: ignore[return-value]
