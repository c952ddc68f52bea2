"""`study`: compare small networks by design, use the test set once, and report on all of it."""

from pathlib import Path
from typing import Annotated

import typer

from model.terminal import notes

from ..registry import RUNS
from ..sets.own import read_own
from ..sets.tasks import TASKS, read_split
from ..study.report.exam import Exam
from ..study.report.letters import every_letter, label_meant, letter_table
from ..study.report.report import Study, write_report
from ..study.rounds import FULL, QUICK
from ..study.study import SECTIONS, Plan, card_of, run_study
from .console import console, show
from .options import Data, LabelsFrom, Runs, Transposed
from .train import OwnTestImages, OwnTrain, Quick, require_train

Task = Annotated[str, typer.Argument(metavar="TASK", help=f"one of: {', '.join(TASKS)}")]
Out = Annotated[Path | None, typer.Option(help="folder of the report; reports/study-TASK by default")]
Best = Annotated[
    str, typer.Option(help="the network that is served; by default the one named like TASK")
]
Weights = Annotated[
    Path | None, typer.Option(help="ImageNet weights of ResNet-18, named as torchvision does")
]
ALetter = Annotated[str, typer.Option("--letter", help="only print how well this character is read")]
Only = Annotated[
    list[str] | None,
    typer.Option("--section", help=f"only this one of: {', '.join(SECTIONS)}; may be repeated"),
]
Processes = Annotated[int, typer.Option(min=0, help="how many train side by side; 0: one per core")]


def study(
    task: Task = "letters",
    data: Data = Path("data"),
    runs: Runs = RUNS,
    out: Out = None,
    quick: Quick = False,
    best: Best = "",
    train: OwnTrain = None,
    test: OwnTestImages = None,
    transposed: Transposed = False,
    labels_from: LabelsFrom = 0,
    weights: Weights = None,
    letter: ALetter = "",
    section: Only = None,
    processes: Processes = 0,
) -> None:
    """Compare small networks on TASK and report on all of it; if interrupted, give the same command to
    go on."""
    require_train(train, test, transposed, labels_from)
    _refuse(task, section or [], weights)
    if letter and (out or section or weights or processes):
        raise typer.BadParameter(
            "--letter only reads: --out, --section, --weights and --processes go without it"
        )
    label = _label(letter, task)
    name = f"study-{task}-quick" if quick else f"study-{task}"
    plan = Plan(
        task,
        best or task,
        section or SECTIONS,
        QUICK if quick else FULL,
        runs,
        runs / name,
        weights,
        processes,
    )
    card_of(plan.best, task, runs)
    if train:
        split = read_own(train, test, TASKS[task], transposed=transposed, first=labels_from)
    else:
        split = read_split(task, data, quick)
    if label:
        exam = Exam(plan.folder, split.test, split.measured_on, notes.print)
        answers = exam.network(plan.best, runs)[0].answers
        show([letter_table(every_letter(answers)[answers.labels.index(label)])])
    else:
        told = run_study(plan, split, notes.print)
        _print(told)
        console.print(write_report(told, out or Path("reports") / name), markup=False)


def _refuse(task: str, sections: list[str], weights: Path | None) -> None:
    if task not in TASKS:
        raise typer.BadParameter(f"no task {task!r}; there are {', '.join(TASKS)}")
    for name in sections:
        if name not in SECTIONS:
            raise typer.BadParameter(f"no section {name!r}; there are {', '.join(SECTIONS)}")
    if weights and sections and "transfer" not in sections:
        raise typer.BadParameter("--weights are for the section transfer: give that --section, too")
    if weights and not weights.is_file():
        raise typer.BadParameter(f"no file {weights}")


def _label(letter: str, task: str) -> str:
    try:
        return label_meant(letter, TASKS[task].labels) if letter else ""
    except ValueError as error:
        raise typer.BadParameter(f"--letter: {error}") from error


def _print(told: Study) -> None:
    """Print the chapters with their findings, then the summary at the head of the report."""
    for number, chapter in enumerate(told.chapters, 1):
        console.print(f"\n{number}. {chapter.title}", style="bold", markup=False)
        for sentence in chapter.findings:
            console.print(f"   - {sentence}", markup=False)
    console.print("\nIn summary", style="bold")
    for sentence in told.findings:
        console.print(f"   - {sentence}", markup=False)
