"""The last step of a training run: calibrate on validation, measure the test set once, write."""

from dataclasses import replace
from pathlib import Path

from torch import nn

from model.card import Card
from model.checkpoint import save_checkpoint
from model.networks import count_parameters
from model.predictor import Predictor

from .data import Split
from .evaluate import all_logits, calibrate, measure
from .recipe import Recipe


def publish(recipe: Recipe, network: nn.Module, split: Split, folder: Path) -> Card:
    """Write NAME.safetensors and NAME.json to `folder`; returns the card."""
    card = draft_card(recipe, network)
    logits = all_logits(Predictor(card, network, "cpu"), split.validation)
    calibration = calibrate(logits, split.validation.labels)
    card = replace(
        card,
        temperature=round(calibration.temperature, 4),
        uncertain_below=round(calibration.uncertain_below, 4),
    )
    accuracy = measure(Predictor(card, network, "cpu"), split.test)
    return save_checkpoint(replace(card, accuracy=accuracy), network, folder)


def draft_card(recipe: Recipe, network: nn.Module) -> Card:
    """The card of a network that has not been measured yet."""
    return Card(
        name=recipe.name,
        network=recipe.network,
        labels=recipe.labels,
        recipe=recipe.normalisation,
        mean=recipe.mean,
        std=recipe.std,
        parameters=count_parameters(network),
        measured_on=recipe.measured_on,
    )
