"""`evaluate`: how well a network reads, and how fast, by the engine that serves it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from model.terminal import notes, refuse

from ..measures.charsets import read_charset
from ..measures.comparison import (
    Contender,
    compare,
    contenders,
    measure,
    reasons,
    record,
    records,
    table,
)
from ..measures.scans import read_scans
from ..measures.scorecard import scorecard
from ..registry import RUNS
from ..rejects.trial import read_rejects
from ..sets.own import OwnTest
from .console import show
from .options import (
    Data,
    LabelsFrom,
    Markdown,
    OwnImages,
    Quick,
    Runs,
    Threads,
    Transposed,
    own_test,
)

Every = Annotated[bool, typer.Option("--all", help="every shipped network and every finished run")]
Json = Annotated[
    Path | None, typer.Option("--json", dir_okay=False, help="write all figures to this file, too")
]
Scans = Annotated[
    bool, typer.Option("--scans", help="on real scans; without a name, all shipped networks")
]
Rejects = Annotated[bool, typer.Option("--rejects", help="on junk drawn here, and on good characters")]
Charset = Annotated[
    str, typer.Option(help="allow only digits, letters, upper, lower, or these labels as answers")
]


def evaluate(
    name: Annotated[str, typer.Argument(help="a network, as in `report`; none with --all")] = "",
    every: Every = False,
    scans: Scans = False,
    rejects: Rejects = False,
    charset: Charset = "",
    test: OwnImages = None,
    transposed: Transposed = False,
    labels_from: LabelsFrom = 0,
    data: Data = Path("data"),
    runs: Runs = RUNS,
    markdown: Markdown = False,
    json_file: Json = None,
    quick: Quick = False,
    threads: Threads = 0,
) -> None:
    """Measure NAME on the test set of its task, or on your own with --test; or --all, on --scans,
    --rejects, with a --charset."""
    own = own_test(test, transposed, labels_from, quick)
    _require_one(name, every, scans, rejects, charset, quick, own)
    if json_file and not json_file.parent.is_dir():
        raise typer.BadParameter(f"--json: there is no folder {json_file.parent}")
    if scans:
        tables, content = read_scans(_named(name, every, runs), data, runs, notes.print, threads)
    elif charset:
        tables, content = read_charset(name or "balanced", charset, data, runs, quick, threads)
    elif rejects:
        tables, content = read_rejects(name or "balanced", data, runs, notes.print, quick, threads)
    elif every:
        results = compare(_found(runs), data, quick, notes.print, threads)
        if not any(each.seeds for each in results):
            refuse("\n".join(reasons(results)))
        tables, content = [table(results)], records(results)
    else:
        found = measure(name, data, quick, runs, threads, own)
        tables, content = scorecard(found), [record(found)]
    show(tables, markdown)
    if json_file:
        json_file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def _require_one(
    name: str, every: bool, scans: bool, rejects: bool, charset: str, quick: bool, own: OwnTest | None
) -> None:
    """Refuse options that exclude each other, and none at all."""
    chosen = sum(map(bool, (scans, rejects, charset)))
    if chosen > 1 or (every and (rejects or charset)):
        raise typer.BadParameter(
            "--scans, --rejects and --charset exclude each other; --all goes with --scans"
        )
    if scans and quick:
        raise typer.BadParameter("--quick does not go with --scans, which are read whole")
    if own and (chosen or not name):
        raise typer.BadParameter("--test goes with the name of a network alone")
    if not chosen and bool(name) == every:
        raise typer.BadParameter("give the name of a network, or --all, --scans or --rejects")


def _named(name: str, every: bool, runs: Path) -> list[str]:
    """`name` alone; without it, all that are shipped and, for `every`, all finished runs."""
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
