"""`evaluate` and `engines`: how good a network is, and how fast, by what serves it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from model.card import read_card, read_cards, weights_folder
from model.terminal import notes
from model.torch_predictor import use_threads

from ..measures.charsets import read_charset
from ..measures.comparison import Contender, compare, contenders, measure, record, records, table
from ..measures.engines import least_precision, note_precision, rivals
from ..measures.engines import table as rows_of_engines
from ..measures.evaluate import read_split, task_of
from ..measures.scans import read_scans
from ..measures.scorecard import scorecard
from ..rejects.trial import read_rejects
from ..shelf import RUNS, find
from ..tables import Sheet
from .options import Data, Runs, Threads

console = Console()

Network = Annotated[
    str, typer.Argument(help="a published network, a run (NAME or NAME-SEED), or a checkpoint's file")
]
Every = Annotated[bool, typer.Option("--all", help="every shipped network and every finished run")]
Markdown = Annotated[bool, typer.Option("--markdown", help="print Markdown, for a README")]
Json = Annotated[
    Path | None, typer.Option("--json", dir_okay=False, help="write all figures to this file, too")
]
Quick = Annotated[
    bool, typer.Option("--quick", help="measure on characters drawn here: no data set, no meaning")
]
Scans = Annotated[
    bool, typer.Option("--scans", help="on real scans; without a name, all shipped networks")
]
Rejects = Annotated[bool, typer.Option("--rejects", help="on junk drawn here, and on good characters")]
Charset = Annotated[
    str, typer.Option(help="if it may answer only digits, letters, upper, lower, or these labels")
]


def evaluate(
    name: Annotated[str, typer.Argument(help="see report; left out with --all")] = "",
    every: Every = False,
    scans: Scans = False,
    rejects: Rejects = False,
    charset: Charset = "",
    data: Data = Path("data"),
    runs: Runs = RUNS,
    markdown: Markdown = False,
    json_file: Json = None,
    quick: Quick = False,
    threads: Threads = 0,
) -> None:
    """Measure NAME on the test set of its task; or --all, on --scans, --rejects, with a --charset."""
    if sum(map(bool, (scans, rejects, charset))) > 1 or (every and (rejects or charset)):
        raise typer.BadParameter(
            "--scans, --rejects and --charset exclude each other; --all goes with --scans"
        )
    if json_file and not json_file.parent.is_dir():
        raise typer.BadParameter(f"--json: there is no folder {json_file.parent}")
    if scans:
        sheets, content = read_scans(_named(name, every, runs), data, runs, tell, threads)
    elif charset:
        sheets, content = read_charset(name or "balanced", charset, data, runs, quick, threads)
    elif rejects:
        sheets, content = read_rejects(name or "balanced", data, runs, tell, quick, threads)
    elif bool(name) == every:
        raise typer.BadParameter("give the name of a network, or --all, --scans or --rejects")
    elif every:
        results = compare(_found(runs), data, quick, tell, threads)
        sheets, content = [table(results)], records(results)
    else:
        found = measure(name, data, quick, runs, threads)
        sheets, content = scorecard(found), [record(found)]
    _show(sheets, markdown)
    if json_file:
        json_file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def engines(
    name: Annotated[str, typer.Argument(help="a published network; all, if left out")] = "",
    data: Data = Path("data"),
    quick: Quick = False,
    threads: Threads = 0,
    write: Annotated[bool, typer.Option(help="write to the cards which precision serves")] = False,
) -> None:
    """Compare the engines that can run NAME: labels against float32 torch, accuracy, images a second."""
    use_threads(threads)
    those = []
    for each in [name] if name else list(read_cards()):
        stem, folder = find(name) if name else (each, weights_folder())
        split = read_split(task_of(read_card(folder / f"{stem}.json")).name, data, quick)
        images = split.validation if write else split.test  # nothing is chosen on the test set
        tell(f"{each}: {len(images):,} images on every engine")
        those += (found := list(rivals(stem, folder, images, threads)))
        if write:
            note_precision(stem, folder, least_precision(found))
    rows_of_engines(those).show(console)


def _named(name: str, every: bool, runs: Path) -> list[str]:
    """That one; else all that are shipped and, if asked for, all finished runs."""
    if name and every:
        raise typer.BadParameter("give the name of a network, or --all")
    if name:
        return [name]
    those = (each for each in _found(runs) if every or each.origin == "shipped")
    return [str(file) for each in those for file in each.files]


def _found(runs: Path) -> Sequence[Contender]:
    found = contenders(runs)
    if not found:
        raise typer.BadParameter(f"no network is shipped, and there is no finished run in {runs}")
    return found


def _show(sheets: Sequence[Sheet], markdown: bool) -> None:
    for sheet in sheets:
        if markdown:
            typer.echo(sheet.markdown())
        else:
            sheet.show(console)


def tell(text: str) -> None:
    """On stderr, as it goes."""
    notes.print(text)
