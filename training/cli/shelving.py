"""`runs`: what has been trained so far."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ..history import history
from ..shelf import RUNS

Folder = Annotated[
    Path, typer.Option("--runs", file_okay=False, help="folder of the runs, one folder each")
]


def runs(folder: Folder = RUNS) -> None:
    """Print a table of past runs."""
    history(folder).show(Console())
