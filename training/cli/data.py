"""`data`: what there is in the folder of data sets; `data fetch NAME`: the official files."""

from collections.abc import Mapping
from dataclasses import dataclass
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
from rich.text import Text

from model.terminal import notes

from ..sets.catalogue import OFFICIAL_EMNIST, OFFICIAL_MNIST, OWN_EMNIST, Known
from ..sets.data import BadData
from ..sets.fetch import OFFICIAL, Official, fetch
from ..sets.scans import FOLDER, HALVES, SCANS, read_files
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


@dataclass(frozen=True)
class Condition:
    """What there is of a set: "ok", "missing" or what is wrong; images, and how many of a class."""

    status: str
    images: str = ""
    spread: str = ""


@app.callback(invoke_without_command=True)
def data(context: typer.Context, data: Data = Path("data")) -> None:
    """Print a table of the sets in the folder, and what each task would be measured on."""
    context.obj = data
    if context.invoked_subcommand is None:
        found = {
            known: examine(known, data) for known in (*OFFICIAL_MNIST, *OWN_EMNIST, *OFFICIAL_EMNIST)
        }
        scans = {name: examine_scans(data / FOLDER / file) for name, file in SCANS.items()}
        console.print(overview(data, found, scans))
        for task in TASKS.values():
            console.print(outlook(task, data, found), markup=False)


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
    require_whole(OFFICIAL[name], folder)
    if not brought:
        console.print(f"{name} is in {folder} already", markup=False)


def require_whole(official: Official, folder: Path) -> None:
    """Raise BadData if a file of `official` that was in `folder` already is damaged."""
    for known in official.sets:
        try:
            known.read(folder)
        except BadData as error:
            raise BadData(f"{error}. Remove that file, and give the command again") from error


def overview(folder: Path, found: Mapping[Known, Condition], scans: Mapping[str, Condition]) -> Table:
    """A row for each set, and for each set of real scans."""
    columns = ("set", "files", "images", "images a class", "status")
    table = Table(*(Column(each, overflow="fold") for each in columns), title=str(folder))
    sets = [(each.title, each.images.replace("-images-idx3-ubyte", "-*"), found[each]) for each in found]
    sets += [(f"scans, {name}", f"{FOLDER}/{SCANS[name]}", scans[name]) for name in scans]
    for title, files, condition in sets:
        style = {"ok": "green", "missing": "yellow"}.get(condition.status, "red")
        table.add_row(title, files, condition.images, condition.spread, Text(condition.status, style))
    return table


def examine(known: Known, folder: Path) -> Condition:
    """What there is of a set; it is read, so that a broken file is seen."""
    if known.missing(folder):
        return Condition("missing")
    try:
        labels = known.read(folder).labels
    except BadData as error:
        return Condition(str(error))
    alphabet = known.meaning.labels
    counts = np.bincount(labels, minlength=len(alphabet))
    ends = [f"{counts[place]:,} ({alphabet[place]})" for place in (counts.argmin(), counts.argmax())]
    spread = f"{counts[0]:,} each" if counts.min() == counts.max() else " to ".join(ends)
    return Condition("ok", f"{len(labels):,}", spread)


def examine_scans(archive: Path) -> Condition:
    """The same of a ZIP of real scans."""
    if not archive.exists():
        return Condition("missing")
    try:
        return Condition("ok", f"{sum(len(read_files(archive, half)) for half in HALVES):,}")
    except BadData as error:
        return Condition(str(error))


def outlook(task: Task, folder: Path, found: Mapping[Known, Condition]) -> str:
    """What `task` would be measured on, or what is missing or broken and what to do."""
    try:
        source = task.find(folder)
    except BadData as error:
        return str(error)
    for known in source.sets:
        if (status := found[known].status) != "ok":
            return f"{task.name}: not ready: {status}"
    return f"{task.name}: ready, measured on {source.measured_on}"


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
