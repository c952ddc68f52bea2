"""`publish`: a trained network becomes one of those that are served."""

import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from model.card import BadCard, Card, read_card, weights_folder
from model.checkpoint import load_checkpoint
from model.engines.opening import open_predictor
from model.engines.predictor import Predictor
from model.own_screens import FOLDER as SCREENS
from model.storage import read_checkpoint, write_checkpoint
from model.terminal import notes

from ..gates import GATES
from ..measures.engines import least_precision, rivals
from ..measures.evaluate import evaluate
from ..measures.scans import measure_scans, table
from ..measures.verdicts import open_reader
from ..publish import gate_of
from ..publish import publish as serve
from ..ranges import input_ranges
from ..registry import RUNS, find
from ..sets.scans import FOLDER
from ..sets.tasks import read_split, task_of
from ..tables import TextTable, percent
from .console import console
from .options import Data, Network, Runs

Served = Annotated[str, typer.Option("--as", help=f"the name to serve it as: {', '.join(GATES)}")]
Folder = Annotated[
    Path | None,
    typer.Option(
        file_okay=False,
        help="where weights, cards and descriptions go; by default the folder that is served from",
    ),
]


def publish(
    name: Network,
    served: Served = "",
    data: Data = Path("data"),
    runs: Runs = RUNS,
    out: Folder = None,
) -> None:
    """Measure NAME on its test set, as it would be served; if it passes its gate, it is served from
    the next start of `inkqueue up`."""
    stem, folder = find(name, runs)
    card, network = load_checkpoint(stem, folder)
    served, out = served or card.name, out or weights_folder()
    gate_of(served)  # raises Refused before anything is measured
    split = read_split(task_of(card).name, data)
    notes.print(
        f"reading {len(split.validation):,} validation images on every engine, then "
        f"{len(split.test):,} test images"
    )
    card = replace(card, ranges=input_ranges(card, network, split.validation))
    with TemporaryDirectory() as temporary:  # until it has passed, nothing that is served changes
        draft = _drafted(card, folder, Path(temporary))
        precision = least_precision(list(rivals(stem, draft, split.validation)))
        predictor = open_predictor(stem, draft, "cpu", "openvino", precision)
        weights = draft / f"{stem}.safetensors"
        found = evaluate(predictor, weights, split.test, split.measured_on)
        scans = _scans(predictor, served, data) if (data / FOLDER).is_dir() else None
    before = _accuracy(out / f"{served}.json")
    console.print(_told(serve(found, folder, served, out, precision, scans), out, before), markup=False)


def _drafted(card: Card, folder: Path, draft: Path) -> Path:
    """`card` in the folder `draft`, with its weights and its own screen in `folder`."""
    _, weights = read_checkpoint(card.name, folder)
    write_checkpoint(card, weights, draft)
    if (folder / SCREENS).is_dir():
        shutil.copytree(folder / SCREENS, draft / SCREENS)
    return draft


def _accuracy(path: Path) -> Mapping[str, float]:
    """The figures of the card in `path`; none if there is no card, or none of this version."""
    with suppress(BadCard):
        return read_card(path).accuracy
    return {}


def _told(card: Card, out: Path, before: Mapping[str, float]) -> str:
    """Where a network went, how well it reads, what it takes the place of, and when it is served."""
    figures = {name: percent(share) for name, share in card.accuracy.items()}
    replaced = f" It replaces one with top-1 {percent(before['top1'])}." if before else ""
    elsewhere = "" if out == weights_folder() else f" with INKQUEUE_WEIGHTS={out}"
    return (
        f"{out / card.name}.safetensors: top-1 {figures['top1']} on the {card.measured_on}; of the "
        f"{figures['coverage']} that are not uncertain, {figures['accuracy_of_sure']} are right."
        f"{replaced} Served as {card.name} from the next start of `inkqueue up`{elsewhere}."
    )


def _scans(predictor: Predictor, served: str, data: Path) -> TextTable:
    """The table of real scans that a network read, under the name it is served by."""
    found = measure_scans(open_reader(predictor), data)
    return table([replace(each, name=served) for each in found])
