"""`cascade` and `ensemble` make one network of several; `publish` puts one among those served."""

import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from torch import nn

from model.card import WEIGHTS, Card
from model.checkpoint import save_checkpoint
from model.torch_predictor import TorchPredictor

from ..cascade import combine
from ..ensemble import unite
from ..gates import GATES
from ..measures.engines import least_precision, rivals
from ..measures.evaluate import all_logits, answer, evaluate, open_network, read_split, task_of
from ..measures.scans import measure_scans, table
from ..prior import shift_priors
from ..publish import publish as serve
from ..run import BadRun, write_json
from ..sets.scans import FOLDER
from ..shelf import MADE_OF, RUNS, SETTINGS, load, settings_of
from ..tables import Sheet
from .options import Data, Runs

console = Console()

Network = Annotated[str, typer.Argument(help="a run, a published name, or the path of a checkpoint")]
Name = Annotated[str, typer.Option(help="what to call it")]
Served = Annotated[str, typer.Option("--as", help=f"the name it is served by: {', '.join(GATES)}")]
BothCases = Annotated[
    float,
    typer.Option(
        min=0,
        max=1,
        help="how far letters of both cases count as two characters; 0: as frequent as any class",
    ),
]
Folder = Annotated[Path, typer.Option(file_okay=False, help="where weights, cards and descriptions go")]


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
        f"{folder}: below a confidence of {choice.threshold:.4f} {second} is asked, for "
        f"{choice.share:.1%} of the validation images; {choice.accuracy:.4f} of all are then right"
    )


def ensemble(
    members: Annotated[list[str], typer.Argument(help="runs, published names, paths of checkpoints")],
    name: Name,
    data: Data = Path("data"),
    runs: Runs = RUNS,
) -> None:
    """Make one network of MEMBERS, which all read every image and answer by the mean."""
    folder = _folder(name, runs)
    united = [TorchPredictor(*load(each, runs), "cpu") for each in members]
    split = read_split(task_of(united[0].card).name, data)
    card, module = unite(name, united, split.validation)
    made_of = {"members": members, "settings": settings_of(members, runs)}
    _save(card, module, folder, made_of)
    logits = all_logits(TorchPredictor(card, module, "cpu"), split.validation)
    right = answer(card, logits, split.validation).right.mean()
    console.print(f"{folder}: {right:.4f} of the validation images are right")


def _folder(name: str, runs: Path) -> Path:
    """Where a network called `name` goes. Raises BadRun: a run that was trained is there."""
    if not re.fullmatch(r"[\w-]+", name):
        raise typer.BadParameter(f"--name {name!r}: letters, digits, - and _ are wanted")
    folder = runs / f"{name}-0"
    if (folder / SETTINGS).exists():
        raise BadRun(f"{folder} is a run that was trained: give another --name")
    return folder


def _save(card: Card, module: nn.Module, folder: Path, made_of: Mapping[str, Any]) -> None:
    """Write the network, and what it was made of."""
    save_checkpoint(card, module, folder)
    write_json(folder / MADE_OF, made_of)


def publish(
    name: Network,
    served: Served = "",
    data: Data = Path("data"),
    runs: Runs = RUNS,
    out: Folder = WEIGHTS,
) -> None:
    """Measure NAME on its test set; where it passes its gate, serve it from now on."""
    predictor, weights = open_network(name, runs)
    split = read_split(task_of(predictor.card).name, data)
    found = evaluate(predictor, weights, split.test, split.measured_on)
    precision = least_precision(list(rivals(weights.stem, weights.parent, split.validation)))
    served = served or predictor.card.name
    scans = _scans(name, served, data, runs) if (data / FOLDER).is_dir() else None
    card = serve(found, weights.parent, served, out, precision, scans)
    console.print(f"{out / card.name}.safetensors: {card.accuracy}")


def _scans(name: str, served: str, data: Path, runs: Path) -> Sheet:
    """What the network `name` makes of real scans, under the name it is served by."""
    found = measure_scans(name, data, runs)
    return table([replace(each, card=replace(each.card, name=served)) for each in found])
