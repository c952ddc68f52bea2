"""`train NAME`: data, teachers, loop, calibration, from top to bottom."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.pretty import pprint

from model.engines.opening import open_predictor
from model.engines.torch_predictor import use_threads
from model.storage import write_card
from model.terminal import notes

from ..distill import teach
from ..history import read_run
from ..measures.evaluate import evaluate
from ..publish import finish
from ..recipe import Recipe
from ..recipes import RECIPES
from ..registry import RUNS, whole_card
from ..run import Run, require_unseen
from ..sets.data import Split
from ..sets.own import read_own
from ..sets.scans import FOLDER, read_examples
from ..sets.tasks import TASKS, read_split
from ..tables import percent
from ..train import Trainer
from .console import console
from .options import Data, LabelsFrom, Runs, Threads, Transposed

Name = Annotated[str, typer.Argument(help=f"one of: {', '.join(RECIPES)}")]
OwnTrain = Annotated[
    Path | None, typer.Option(help="your own images: IDX, CSV, .npy, .npz, or a folder or ZIP of images")
]
OwnTestImages = Annotated[
    Path | None, typer.Option(help="your own images to measure on; by default a tenth of --train")
]
Quick = Annotated[bool, typer.Option("--quick", help="a short run on characters drawn here")]


def train(
    name: Name,
    data: Data = Path("data"),
    runs: Runs = RUNS,
    seed: int = 0,
    threads: Threads = 0,
    quick: Quick = False,
    train: OwnTrain = None,
    test: OwnTestImages = None,
    transposed: Transposed = False,
    labels_from: LabelsFrom = 0,
) -> None:
    """Train NAME; an interrupted run goes on from its last whole epoch."""
    require_train(train, test, transposed, labels_from)
    if name not in RECIPES:
        raise typer.BadParameter(f"no recipe {name!r}; there are {', '.join(RECIPES)}")
    use_threads(threads)
    recipe = replace(RECIPES[name], seed=seed)
    recipe = shorten(recipe) if quick else recipe
    for network in recipe.networks:
        whole_card(network, runs)  # raises BadCard before anything is read or begun
    task = TASKS[recipe.task]
    if train:
        split = read_own(train, test, task, transposed=transposed, first=labels_from)
    else:
        split = read_split(recipe.task, data, quick)
    if recipe.scanned:
        split = replace(split, scans=read_examples(data / FOLDER, task.labels, task.normalization))
    pprint(recipe, console=console)
    folder = follow(recipe, split, runs)
    if train and recipe.networks:
        notes.print(
            f"{name} learned from other networks too: what follows holds only if none of the test "
            "images is among those that they learned from"
        )
    if train:
        measure(recipe.name, folder, split, threads)


def require_train(train: Path | None, test: Path | None, transposed: bool, labels_from: int) -> None:
    """Refuse the options about a person's own images if there are none."""
    if not train and (test or transposed or labels_from):
        raise typer.BadParameter("--test, --transposed and --labels-from go with --train")


def follow(recipe: Recipe, split: Split, runs: Path) -> Path:
    """Do a whole run: ask the teachers, train, calibrate, write; return its folder."""
    require_unseen(recipe, split, runs)  # before there is a folder
    sizes = [len(part) for part in (split.train, split.validation)]
    console.print(
        f"{sizes[0]:,} images to train on, of which an epoch draws {recipe.draws:,}; "
        f"{sizes[1]:,} to choose on"
    )
    run, targets = Run(recipe, runs), None
    run.keep_origin(split)
    if recipe.teachers:
        labels = TASKS[recipe.task].labels
        split, targets = teach(recipe.teachers, split, labels, runs)
    network = Trainer(recipe, split, targets).train(run)
    card = finish(recipe, network, split, run.folder)
    run.end(card.parameters)
    kept = read_run(run.folder).result
    said = f"{kept['validation_accuracy']:.4f} in epoch {kept['epoch']}, which was kept"
    console.print(f"validation accuracy {said}; everything is in {run.folder}")
    return run.folder


def measure(name: str, folder: Path, split: Split, threads: int) -> None:
    """Print how a network reads a person's own test images, and keep it in its card."""
    predictor, weights = open_predictor(name, folder, threads=threads), folder / f"{name}.safetensors"
    found = evaluate(predictor, weights, split.test, split.measured_on)
    write_card(replace(found.card, accuracy=found.accuracy), folder)
    low, high = found.interval
    console.print(
        f"measured on {split.measured_on}: {percent(found.accuracy['top1'])} are read right "
        f"(95 % interval {100 * low:.2f} to {100 * high:.2f})"
    )


def shorten(recipe: Recipe) -> Recipe:
    """`recipe` cut to a few seconds that need nothing else: no teachers, no network to start from."""
    name = f"{recipe.name}-quick"
    short = replace(recipe, name=name, epochs=3, draws=2560, batch=64)
    short = replace(short, teachers=(), start="", way=1, scanned=0)
    return replace(short, average=min(recipe.average, 0.9))
