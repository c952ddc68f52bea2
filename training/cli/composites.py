"""`cascade` and `ensemble`: one network made of several."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from torch import nn

from model.card import Card
from model.checkpoint import save_checkpoint
from model.engines.torch_predictor import TorchPredictor

from ..cascade import combine
from ..ensemble import unite
from ..measures.evaluate import answer
from ..prior import shift_priors
from ..registry import MADE_OF, RUNS, SETTINGS, load, settings_of
from ..run import BadRun, write_json
from ..sets.tasks import read_split, task_of
from .console import console
from .options import Data, Network, Runs

Name = Annotated[str, typer.Option(help="the name of the new network")]
BothCases = Annotated[
    float,
    typer.Option(
        min=0,
        max=1,
        help="how far letters of both cases count as two characters; 0: as frequent as any class",
    ),
]


def cascade(
    first: Network,
    second: Network,
    name: Name,
    both_cases: BothCases = 0.0,
    data: Data = Path("data"),
    runs: Runs = RUNS,
) -> None:
    """Make one network of two: FIRST reads all images, SECOND those that FIRST is unsure of."""
    folder = _folder(name, runs)
    cheap, costly = (TorchPredictor(*load(each, runs), "cpu") for each in (first, second))
    for each in (cheap, costly):
        shift_priors(each.module, each.card.labels, each.card.temperature, both_cases)
    split = read_split(task_of(cheap.card).name, data)
    card, module, choice = combine(name, cheap, costly, split.validation)
    made_of = {"first": first, "second": second, "both_cases": both_cases, **asdict(choice)}
    _save(card, module, folder, made_of | {"settings": settings_of([first, second], runs)})
    console.print(
        f"{folder}: {second} is asked below a confidence of {choice.threshold:.4f}, for "
        f"{choice.share:.1%} of the validation images; {choice.accuracy:.4f} of all are then right"
    )


def ensemble(
    members: Annotated[list[str], typer.Argument(help="runs, published names, paths of checkpoints")],
    name: Name,
    data: Data = Path("data"),
    runs: Runs = RUNS,
) -> None:
    """Make one network of MEMBERS: all of them read every image, and their mean is the answer."""
    if len(set(members)) < 2:
        raise typer.BadParameter("an ensemble takes two different networks or more")
    folder = _folder(name, runs)
    united = [TorchPredictor(*load(each, runs), "cpu") for each in members]
    split = read_split(task_of(united[0].card).name, data)
    card, module = unite(name, united, split.validation)
    made_of = {"members": members, "settings": settings_of(members, runs)}
    _save(card, module, folder, made_of)
    logits = TorchPredictor(card, module, "cpu").logits(split.validation.images)
    right = answer(card, logits, split.validation).right.mean()
    console.print(f"{folder}: {right:.4f} of the validation images are right")


def _folder(name: str, runs: Path) -> Path:
    """The folder of a network called `name`. Raises BadRun if a run that was trained is there."""
    if not re.fullmatch(r"[\w-]+", name):
        raise typer.BadParameter(f"--name {name!r}: only letters, digits, - and _ are allowed")
    folder = runs / f"{name}-0"
    if (folder / SETTINGS).exists():
        raise BadRun(f"{folder} is a run that was trained: give another --name")
    return folder


def _save(card: Card, module: nn.Module, folder: Path, made_of: Mapping[str, Any]) -> None:
    """Write the network, and what it was made of."""
    save_checkpoint(card, module, folder)
    write_json(folder / MADE_OF, made_of)
