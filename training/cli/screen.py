"""`screen [NETWORK]`: a network that tells what is not a character, from data to shipped weights."""

from pathlib import Path
from typing import Annotated

import typer

from model import own_screens
from model.card import Card, weights_folder
from model.engines.torch_predictor import use_threads
from model.screen import FOLDER

from ..registry import RUNS, load
from ..rejects.screening import RECIPE, finish, own_recipe, read_examples, ship, ship_own
from ..run import Run
from ..train import Trainer
from .console import console
from .options import Data, Runs, Threads
from .train import Quick, shorten

Of = Annotated[
    str,
    typer.Argument(help="the network whose own screen it will be; by default the screen for all others"),
]
Out = Annotated[
    Path | None,
    typer.Option(
        file_okay=False,
        help="where its weights and card go; by default where they are served from, and with --quick "
        "to the folder of the run",
    ),
]


def screen(
    network: Of = "",
    data: Data = Path("data"),
    runs: Runs = RUNS,
    out: Out = None,
    threads: Threads = 0,
    quick: Quick = False,
) -> None:
    """Train a screen and ship it; an interrupted run goes on from its last whole epoch."""
    use_threads(threads)
    of = load(network, runs)[0] if network else None
    recipe = own_recipe(of, network) if of else RECIPE
    recipe = shorten(recipe) if quick else recipe
    console.print("drawing characters, and what is not a character")
    split = read_examples(data, quick)
    run = Run(recipe, runs)
    run.keep_origin(split)
    trained = Trainer(recipe, split).train(run)
    card = finish(recipe, trained, split)
    run.end(card.parameters)
    out = out or (run.folder / own_screens.FOLDER if quick else served_from(of))
    card = ship_own(card, trained, of, out) if of else ship(card, trained, out)
    console.print(f"{out / card.name}.safetensors: of {split.measured_on}, flagged {card.accuracy}")


def served_from(of: Card | None) -> Path:
    """The folder from which the screen of a network, or the one for all others, is served."""
    return weights_folder() / own_screens.FOLDER if of else FOLDER
