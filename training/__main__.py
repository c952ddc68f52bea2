"""`python -m training train NAME`: data, network, loop, measure, publish, from top to bottom."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.pretty import pprint

from model.card import WEIGHTS
from model.predictor import Predictor

from .data import BadData, Split
from .evaluate import measure
from .publish import publish
from .recipe import RECIPES, Recipe
from .train import train as run

console = Console()
app = typer.Typer(help="Train and measure the networks that Inkqueue serves.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help=f"one of: {', '.join(RECIPES)}")]
Data = Annotated[Path, typer.Option(help="folder with mnist/ and emnist/ (IDX files)")]
Folder = Annotated[Path, typer.Option(help="where weights and cards lie")]


@app.command()
def train(name: Name, data: Data = Path("data"), out: Folder = WEIGHTS) -> None:
    """Train NAME, measure it once on its test set, write weights and card."""
    recipe = find(name)
    pprint(recipe)
    split = read(recipe, data)
    sizes = [len(part) for part in (split.train, split.validation, split.test)]
    console.print(f"{sizes[0]} images to train on, {sizes[1]} to choose on, {sizes[2]} to measure on")
    start = time.monotonic()
    network = run(recipe, split.train)
    card = publish(recipe, network, split, out)
    console.print(f"trained in {time.monotonic() - start:.0f} s, written to {out}")
    console.print(card)


@app.command()
def evaluate(name: Name, data: Data = Path("data"), weights: Folder = WEIGHTS) -> None:
    """Measure a published network on its test set."""
    recipe = find(name)
    split = read(recipe, data)
    console.print(measure(Predictor.load(name, weights), split.test))


def read(recipe: Recipe, folder: Path) -> Split:
    """The data set of `recipe` in `folder`."""
    try:
        return recipe.read(folder, recipe.seed)
    except BadData as error:
        raise typer.BadParameter(f"{error}. Give the folder of the data sets with --data.") from error


def find(name: str) -> Recipe:
    """The recipe called `name`."""
    if name not in RECIPES:
        raise typer.BadParameter(f"no recipe {name!r}; there are {', '.join(RECIPES)}")
    return RECIPES[name]


if __name__ == "__main__":
    app()
