"""`publish`: a trained network becomes one of those that are served."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from model.card import WEIGHTS

from ..gates import GATES
from ..measures.engines import least_precision, rivals
from ..measures.evaluate import evaluate, open_network, read_split, task_of
from ..measures.scans import measure_scans, table
from ..publish import publish as serve
from ..sets.scans import FOLDER
from ..shelf import RUNS
from ..tables import Sheet
from .console import console
from .options import Data, Network, Runs

Served = Annotated[str, typer.Option("--as", help=f"the name it is served by: {', '.join(GATES)}")]
Folder = Annotated[Path, typer.Option(file_okay=False, help="where weights, cards and descriptions go")]


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
