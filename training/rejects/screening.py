"""The screen from data to shipped weights: characters against junk, trained as every network is."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch import nn

from model.card import Card
from model.checkpoint import save_checkpoint
from model.engines.predictor import Floats, softmax
from model.engines.torch_predictor import TorchPredictor
from model.networks import count_parameters
from model.own_screens import LAYERS, backbone
from model.screen import CLASSES, NAME
from model.storage import HEAD

from ..measures.calibration import best_temperature
from ..publish import Refused
from ..recipe import Recipe
from ..recipes import GENTLE
from ..sets.data import Array, Set, Split
from ..sets.tasks import TASKS, read_split, task_of
from .examples import Pools, examples

RECIPE = Recipe(
    NAME,
    "balanced",  # whose scale of pixels it shares
    {"kind": "convnet", "stages": ((8,), (16,), (24, 24)), "classes": len(CLASSES)},
    epochs=10,
    draws=72_000,
    learning_rate=1e-2,
    label_smoothing=0.02,
    augmentation=GENTLE,
)

OWN = replace(
    RECIPE,
    network={"kind": "screening", "hidden": 64},
    epochs=8,
    draws=144_000,
    learning_rate=5e-3,
    weight_decay=1e-3,
)
"""The recipe of a network's own screen, before own_recipe adds what depends on the network."""

LABELS = "1+-"
"""One character, several, none."""

LEARNED, CHOSEN, MEASURED = 1, 2, 3
"""The seeds that junk is drawn with."""

A_CLASS = {LEARNED: 24_000, CHOSEN: 2_500, MEASURED: 2_500}
QUICK = {LEARNED: 120, CHOSEN: 60, MEASURED: 60}

FLAGGED = 0.012
"""The share of good characters, held out and drawn as scans, that falls below the threshold: a quarter
of what may be flagged in all, since real scans are worse."""

CAUGHT = 0.6
"""The share of junk that the screen must flag; the rest is left to low confidence."""


def read_pools(data: Path, quick: bool) -> dict[int, Pools]:
    """Characters to learn from, to choose on, and to measure on: none of them from a test set.

    Half of the validation images are to choose on, half to measure on. Raises BadData.
    """
    emnist, mnist = (read_split(task, data, quick) for task in ("balanced", "digits"))
    caseless = [emnist.partial_labels.images] if emnist.partial_labels else []
    held = [each.validation.images for each in (emnist, mnist)]
    return {
        LEARNED: Pools(np.concatenate([emnist.train.images, *caseless]), mnist.train.images),
        CHOSEN: Pools(*(images[::2] for images in held)),
        MEASURED: Pools(*(images[1::2] for images in held)),
    }


def read_examples(data: Path, quick: bool) -> Split:
    """Glyphs to learn from, choose on and measure on. Raises BadData."""
    pools, count = read_pools(data, quick), QUICK if quick else A_CLASS
    learned, chosen, measured = (examples(pools[part], count[part], part) for part in count)
    return Split(learned, chosen, measured, "characters held out, and junk drawn with other seeds")


def own_recipe(network: Card, start: str) -> Recipe:
    """The recipe of a screen on the features of `network`, which is found by the name `start`.

    Raises BadCard if it has none to use.
    """
    path, layout = backbone(network.network)
    return replace(
        OWN,
        name=f"{NAME}-{network.name}",
        task=task_of(network).name,
        network={**layout, **OWN.network},
        start="/".join([start, *path.split(".")[:-1]]),
    )


def finish(recipe: Recipe, network: nn.Module, split: Split) -> Card:
    """The screen's card: calibrated, its threshold chosen, and measured."""
    task = TASKS[recipe.task]
    parameters = count_parameters(network)
    card = Card(NAME, recipe.network, LABELS, "emnist", task.mean, task.std, parameters)
    predictor = TorchPredictor(card, network, "cpu")
    logits = predictor.logits(split.validation.images)
    card = replace(card, temperature=round(best_temperature(logits, split.validation.labels), 4))
    likely = softmax(logits, card.temperature)
    card = replace(card, uncertain_below=choose_threshold(likely, split.validation.labels))
    found = caught(card, softmax(predictor.logits(split.test.images), card.temperature), split.test)
    return replace(card, accuracy=found, measured_on=split.measured_on)


def choose_threshold(likely: Floats, labels: Array) -> float:
    """The probability of being a character below which the share FLAGGED of the characters falls."""
    return round(float(np.quantile(likely[labels == 0, 0], FLAGGED)), 4)


def caught(card: Card, likely: Floats, data: Set) -> dict[str, float]:
    """The flagged shares of single characters, of several, and of none."""
    flags: npt.NDArray[np.bool_] = likely[:, 0] < card.uncertain_below
    names = ("characters", "several", "none")
    return {name: round(float(flags[data.labels == at].mean()), 4) for at, name in enumerate(names)}


def ship_own(card: Card, screening: nn.Module, network: Card, folder: Path) -> Card:
    """Write the head that was trained in `screening` as the own screen of `network`.

    Raises Refused if it is not good enough.
    """
    head = screening.get_submodule(LAYERS)
    layout = {"kind": HEAD, "hidden": OWN.network["hidden"], "of": network.sha256}
    card = replace(card, name=network.name, network=layout, parameters=count_parameters(head))
    return ship(card, head, folder)


def ship(card: Card, network: nn.Module, folder: Path) -> Card:
    """Write weights and card. Raises Refused if they are not good enough."""
    least, most = min(card.accuracy["several"], card.accuracy["none"]), card.accuracy["characters"]
    if most > 1.5 * FLAGGED or least < CAUGHT:
        raise Refused(
            f"the screen is not shipped: it flags {most:.1%} of characters, at most {1.5 * FLAGGED:.1%} "
            f"are allowed, and {least:.1%} of others, at least {CAUGHT:.1%} are wanted"
        )
    return save_checkpoint(card, network, folder)
