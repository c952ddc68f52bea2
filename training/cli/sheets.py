"""`sheets`: how well pages and grids, drawn from held-out characters, are cut and read."""

from pathlib import Path
from typing import Annotated

import typer

from model.terminal import progress

from ..registry import RUNS
from ..sheets.pages import Writing
from ..sheets.trial import SheetTrial, read_sheets
from .console import show
from .options import Data, Markdown, Network, Quick, Runs

Pages = Annotated[int, typer.Option(min=0, help="how many pages, of 600 characters each")]
Grids = Annotated[int, typer.Option(min=0, help="how many ruled sheets")]
Camera = Annotated[bool, typer.Option("--camera", help="with perspective, shadow and JPEG, too")]
Touching = Annotated[
    float, typer.Option(min=0, max=1, help="the share of characters that touch the one before")
]


def sheets(
    name: Network = "balanced",
    pages: Pages = 100,
    grids: Grids = 100,
    camera: Camera = False,
    touching: Touching = Writing.touching,
    ruled: Annotated[bool, typer.Option("--ruled", help="draw pages on ruled paper")] = False,
    seed: Annotated[int, typer.Option(help="another seed draws other sheets")] = 0,
    data: Data = Path("data"),
    runs: Runs = RUNS,
    quick: Quick = False,
    markdown: Markdown = False,
) -> None:
    """Draw pages and grids, cut and read them: found characters, errors of the text, time."""
    if not pages + grids:
        raise typer.BadParameter("--pages and --grids are both 0: there is nothing to draw")
    writing = Writing(touching=touching, rules=ruled)
    trials = [
        SheetTrial("page", pages, camera, writing, seed),
        SheetTrial("grid", grids, camera, seed=seed),
    ]
    trials = [trial for trial in trials if trial.count]
    with progress(pages + grids) as advance:
        found = read_sheets(name, trials, data, runs, quick, advance)
    show([found], markdown)
