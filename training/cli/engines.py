"""`engines`: which engines and precisions read the same as torch, and how fast."""

from pathlib import Path
from typing import Annotated

import typer

from model.card import read_card, read_cards, weights_folder
from model.engines.torch_predictor import use_threads
from model.terminal import notes

from ..measures.engines import Rival, rivals, table
from ..registry import find
from ..sets.tasks import read_split, task_of
from .console import show
from .options import Data, Quick, Threads


def engines(
    name: Annotated[
        str, typer.Argument(help="as in `report`; all that are published, if left out")
    ] = "",
    data: Data = Path("data"),
    quick: Quick = False,
    threads: Threads = 0,
) -> None:
    """Compare the engines that can run NAME: labels against float32 torch, accuracy, images a second."""
    use_threads(threads)
    those: list[Rival] = []
    for each in [name] if name else list(read_cards()):
        stem, folder = find(name) if name else (each, weights_folder())
        images = read_split(task_of(read_card(folder / f"{stem}.json")).name, data, quick).test
        notes.print(f"{each} in {folder}: {len(images):,} images on every engine", markup=False)
        those += rivals(stem, folder, images, threads)
    show([table(those)])
