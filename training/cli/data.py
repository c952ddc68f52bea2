"""`data`: what there is in the folder of data sets; `data fetch NAME`: the official files."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import TransferSpeedColumn as Speed
from rich.table import Column, Table

from model.terminal import notes

from ..sets.catalogue import OFFICIAL_EMNIST, OFFICIAL_MNIST, OWN_EMNIST, Known
from ..sets.data import BadData
from ..sets.fetch import OFFICIAL, fetch
from ..sets.tasks import TASKS, Task
from .console import Commands, console
from .export import export
from .options import Data, SubcommandData

app = typer.Typer(
    cls=Commands,
    help="List the data sets; `data fetch` downloads official ones, `data export` writes JPEGs.",
)
app.command()(export)

Name = Annotated[str, typer.Argument(help=f"one of: {', '.join(OFFICIAL)}")]
Mirror = Annotated[str, typer.Option("--url", help="another address that has the same files")]


@app.callback(invoke_without_command=True)
def data(context: typer.Context, data: Data = Path("data")) -> None:
    """Print a table of the sets in the folder, and what each task would be measured on."""
    context.obj = data
    if context.invoked_subcommand is None:
        console.print(overview(data))
        for task in TASKS.values():
            console.print(outlook(task, data), markup=False)


@app.command("fetch")
def bring(context: typer.Context, name: Name, data: SubcommandData = None, url: Mirror = "") -> None:
    """Download the official files of a data set, check them, and put them where they are looked for."""
    if name not in OFFICIAL:
        raise typer.BadParameter(f"no data set {name!r}; there are {', '.join(OFFICIAL)}")
    folder: Path = data or context.obj
    with download_bar() as bar:
        brought = fetch(OFFICIAL[name], folder, Bars(bar), url)
    for path in brought:
        console.print(f"{path}: checked and in place", markup=False)
    if not brought:
        console.print(f"{name} is in {folder} already", markup=False)


def overview(folder: Path) -> Table:
    """A row for each known set; every one is read, so that a broken file is seen."""
    columns = ("set", "files", "images", "images a class", "status")
    table = Table(*(Column(each, overflow="fold") for each in columns), title=str(folder))
    for known in (*OFFICIAL_MNIST, *OWN_EMNIST, *OFFICIAL_EMNIST):
        table.add_row(
            known.title, known.images.replace("-images-idx3-ubyte", "-*"), *examine(known, folder)
        )
    return table


def examine(known: Known, folder: Path) -> tuple[str, str, str]:
    """How many images, the rarest and the most frequent class, and whether all is well."""
    if known.missing(folder):
        return "", "", "[yellow]missing"
    try:
        labels = known.read(folder).labels
    except BadData as error:
        return "", "", f"[red]{error}"
    alphabet = known.meaning.labels
    counts = np.bincount(labels, minlength=len(alphabet))
    ends = [f"{counts[place]:,} ({alphabet[place]})" for place in (counts.argmin(), counts.argmax())]
    spread = f"{counts[0]:,} each" if counts.min() == counts.max() else " to ".join(ends)
    return f"{len(labels):,}", spread, "[green]ok"


def outlook(task: Task, folder: Path) -> str:
    """What `task` would be measured on, or what is missing and what to do."""
    try:
        return f"{task.name}: ready, measured on {task.find(folder).measured_on}"
    except BadData as error:
        return str(error)


def download_bar() -> Progress:
    """Name, bar, bytes, bytes a second, time to go; on stderr."""
    name = TextColumn("{task.description}")
    return Progress(name, BarColumn(), DownloadColumn(), Speed(), TimeRemainingColumn(), console=notes)


class Bars:
    """A line of `progress` for every file that is reported."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._lines = progress, dict[str, TaskID]()

    def __call__(self, name: str, done: int, total: int | None) -> None:
        if name not in self._lines:
            self._lines[name] = self._progress.add_task(name)
        self._progress.update(self._lines[name], completed=done, total=total)
