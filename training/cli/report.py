"""`report`: a whole report on a network, as pages and figures."""

from pathlib import Path
from typing import Annotated

import typer

from model.card import BadCard
from model.terminal import notes

from ..measures.comparison import measure
from ..measures.evaluate import evaluate, open_network
from ..measures.significance import mcnemar
from ..registry import RUNS
from ..reports.findings import verdict
from ..reports.report import Subject, write_report
from ..sets.own import OwnTest, read_test
from ..sets.tasks import read_split, task_of
from .console import console
from .options import (
    Data,
    LabelsFrom,
    Network,
    OwnImages,
    Quick,
    Runs,
    Threads,
    Transposed,
    own_test,
)

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
    test: OwnImages = None,
    transposed: Transposed = False,
    labels_from: LabelsFrom = 0,
    threads: Threads = 0,
) -> None:
    """Write a report on NAME: report.md, report.html and the figures."""
    own = own_test(test, transposed, labels_from, quick)
    subject = _subject(name, against, data, runs, quick, own, threads)
    folder = out or Path("reports") / subject.test.card.name
    write_report(subject, folder)
    console.print(folder / "report.html")


def _subject(
    name: str, against: str, data: Path, runs: Path, quick: bool, own: OwnTest | None, threads: int
) -> Subject:
    predictor, weights = open_network(name, runs, threads)
    task = task_of(predictor.card)
    images, measured_on = read_test(task, data, quick, own)
    notes.print(f"reading {len(images):,} test images")
    test, validation = evaluate(predictor, weights, images, measured_on), None
    if predictor.card.measured_on == measured_on and not own:  # so it was chosen on the others held out
        held_out = read_split(task.name, data, quick).validation
        notes.print(f"reading {len(held_out):,} validation images")
        validation = evaluate(predictor, weights, held_out, "validation")
    remarks: tuple[str, ...] = ()
    if against:
        other = measure(against, data, quick, runs, threads, own)
        if other.card.labels != test.card.labels:
            raise BadCard(f"{against} reads {other.card.labels}, and {name} reads {test.card.labels}")
        duel = mcnemar(test.answers.right, other.answers.right)
        remarks = verdict(name, against, duel), *other.caveats
    return Subject(test, validation, images, weights.parent, remarks)
