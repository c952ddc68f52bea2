"""`report`: a whole report on a network, as pages and figures."""

from pathlib import Path
from typing import Annotated

import typer

from model.card import BadCard
from model.terminal import notes

from ..measures.comparison import measure
from ..measures.evaluate import evaluate, open_network, read_split, task_of
from ..measures.significance import mcnemar
from ..registry import RUNS
from ..reports.findings import verdict
from ..reports.report import Subject, write_report
from .console import console
from .options import Data, Network, Quick, Runs, Threads

Out = Annotated[
    Path | None, typer.Option(file_okay=False, help="folder of the report; reports/NAME by default")
]
Against = Annotated[str, typer.Option(help="another network for the same labels, to compare with")]


def report(
    name: Network,
    out: Out = None,
    against: Against = "",
    data: Data = Path("data"),
    runs: Runs = RUNS,
    quick: Quick = False,
    threads: Threads = 0,
) -> None:
    """Write a report on NAME: report.md, report.html and the figures."""
    subject = _subject(name, against, data, runs, quick, threads)
    folder = out or Path("reports") / subject.test.card.name
    write_report(subject, folder)
    console.print(folder / "report.html")


def _subject(name: str, against: str, data: Path, runs: Path, quick: bool, threads: int) -> Subject:
    predictor, weights = open_network(name, runs, threads)
    split = read_split(task_of(predictor.card).name, data, quick)
    notes.print(f"reading {len(split.test):,} test and {len(split.validation):,} validation images")
    test = evaluate(predictor, weights, split.test, split.measured_on)
    validation = evaluate(predictor, weights, split.validation, "validation")
    remarks: tuple[str, ...] = ()
    if against:
        other = measure(against, data, quick, runs, threads)
        if other.card.labels != test.card.labels:
            raise BadCard(f"{against} reads {other.card.labels}, and {name} reads {test.card.labels}")
        remarks = (verdict(name, against, mcnemar(test.answers.right, other.answers.right)),)
    return Subject(test, validation, split.test, weights.parent, remarks)
