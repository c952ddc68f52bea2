"""`screen`: the network that says what is no character, from data to shipped weights."""

from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console

from model.screen import FOLDER

from ..rejects.screening import RECIPE, finish, read_examples, ship
from ..run import Run
from ..shelf import RUNS
from ..train import Trainer
from .options import Data, Runs
from .running import Quick, Threads, shorten

console = Console()

Out = Annotated[Path, typer.Option(help="where its weights and card go")]


def screen(
    data: Data = Path("data"),
    runs: Runs = RUNS,
    out: Out = FOLDER,
    threads: Threads = 0,
    quick: Quick = False,
) -> None:
    """Train the screen and ship it; an interrupted run goes on from its last whole epoch."""
    torch.set_num_threads(threads or torch.get_num_threads())
    recipe = shorten(RECIPE) if quick else RECIPE
    console.print("drawing characters, and what is none")
    split = read_examples(data, quick)
    run = Run(recipe, runs)
    network = Trainer(recipe, split).train(run)
    card = finish(network, split)
    run.end(card.parameters)
    ship(card, network, out)
    console.print(f"{out / card.name}.safetensors: of {split.measured_on}, flagged {card.accuracy}")
