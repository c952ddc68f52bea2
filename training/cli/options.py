"""The options that several commands of the training line share, and how their words are looked up."""

from pathlib import Path
from typing import Annotated

import typer

from ..recipe import Recipe
from ..recipes import RECIPES

Data = Annotated[Path, typer.Option(help="folder with mnist/ and emnist/; see: python -m training data")]
Runs = Annotated[Path, typer.Option(file_okay=False, help="folder of the runs, one folder each")]
Threads = Annotated[int, typer.Option(min=0, help="processor threads; 0 is all")]


def find_recipe(name: str) -> Recipe:
    """The recipe called `name`."""
    if name not in RECIPES:
        raise typer.BadParameter(f"no recipe {name!r}; there are {', '.join(RECIPES)}")
    return RECIPES[name]
