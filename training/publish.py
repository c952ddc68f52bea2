"""From a run to a served network: calibrated when the run ends, measured and judged when published."""

from dataclasses import replace
from pathlib import Path

from torch import nn

from model.card import Card, Precision
from model.checkpoint import load_checkpoint, save_checkpoint
from model.engines.predictor import softmax
from model.engines.torch_predictor import TorchPredictor
from model.networks import count_parameters

from .gates import GATES, Gate
from .measures.calibration import best_temperature, rounded, uncertain_below
from .measures.evaluate import Evaluation
from .recipe import Recipe
from .reports.description import describe
from .run import write_text
from .sets.data import Set, Split
from .sets.tasks import TASKS
from .tables import TextTable


class Refused(ValueError):
    """A network is not good enough to be served; the text says in what respect."""


def finish(recipe: Recipe, network: nn.Module, split: Split, folder: Path) -> Card:
    """Calibrate `network` and write it to `folder` as NAME.safetensors and NAME.json.

    Returns its card, not yet measured.
    """
    card = replace(draft_card(recipe, network), measured_on=split.measured_on)
    return save_checkpoint(calibrated(card, network, split.validation), network, folder)


def draft_card(recipe: Recipe, network: nn.Module) -> Card:
    """The card of a network that has been neither calibrated nor measured."""
    task = TASKS[recipe.task]
    return Card(
        name=recipe.name,
        network=recipe.network,
        labels=task.labels,
        normalization=task.normalization,
        mean=task.mean,
        std=task.std,
        parameters=count_parameters(network),
    )


def calibrated(card: Card, network: nn.Module, validation: Set) -> Card:
    """`card` with the temperature and the threshold found on `validation`."""
    logits, truth = TorchPredictor(card, network, "cpu").logits(validation.images), validation.labels
    temperature = best_temperature(logits, truth)
    threshold = uncertain_below(softmax(logits, temperature), truth)
    return replace(card, temperature=round(temperature, 4), uncertain_below=rounded(threshold))


def gate_of(name: str) -> Gate:
    """What is asked of a network that is served as `name`. Raises Refused if nothing is served so."""
    if name not in GATES:
        raise Refused(f"nothing is served as {name!r}: --as takes one of {', '.join(GATES)}")
    return GATES[name]


def publish(
    found: Evaluation,
    run: Path,
    name: str,
    folder: Path,
    precision: Precision = "float32",
    scans: TextTable | None = None,
) -> Card:
    """Serve the network of `run` as `name` from `folder`: weights, card, description. Raises Refused.

    `precision` is the lowest that `engines` found good enough; `scans` is the table of real scans.
    """
    if faults := [*gate_of(name).faults(found), *found.caveats]:
        raise Refused(f"{found.card.name} is not published as {name}: {'; '.join(faults)}")
    _, network = load_checkpoint(found.card.name, run)
    measured = replace(
        found.card,
        name=name,
        accuracy=found.accuracy,
        measured_on=found.measured_on,
        precision=precision,
    )
    card = save_checkpoint(measured, network, folder)
    write_text(folder / f"{name}.md", describe(card, found, run, scans))
    return card
