"""A whole study: its sections, then the test set, then curves for TensorBoard."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from model.card import BadCard, Card, read_card
from model.engines.predictor import Predictor

from ..history import read_run
from ..measures.evaluate import open_network
from ..registry import find
from ..run import Epoch
from ..sets.data import Split
from ..sets.tasks import TASKS
from .convolutions.section import convolutions
from .driver import TRIALS, run_sections
from .normalizations.section import normalizations
from .perceptrons.section import perceptrons
from .report.exam import Exam
from .report.finalists import Finalist, measure
from .report.making import making
from .report.report import Study
from .report.scalars import write_best, write_trials
from .rounds import Scale, Section
from .transfer.section import transfer

SECTIONS = ("perceptrons", "convolutions", "normalizations", "transfer")

OTHER = "balanced"
"""The network that tells cases apart and knows digits."""


@dataclass(frozen=True)
class Plan:
    """What to study: `sections` of `task` at `scale`, kept in `folder`, with `best` to compare with.

    `runs` holds networks that were trained; `weights` is a file of ImageNet weights, if there is one.
    """

    task: str
    best: str
    sections: Sequence[str]
    scale: Scale
    runs: Path
    folder: Path
    weights: Path | None
    processes: int


def run_study(plan: Plan, split: Split, tell: Callable[[str], None]) -> Study:
    """Do what is not done yet of the study. Raises BadCard, before anything is trained, and BadRun."""
    card = card_of(plan.best, plan.task, plan.runs)
    sections = begin(plan, card.labels, split.measured_on)
    chapters, outcomes = run_sections(sections, split, plan.folder, plan.scale, plan.processes)
    exam = Exam(plan.folder, split.test, split.measured_on, tell)
    finalists = measure(chapters, exam, plan.folder / TRIALS, card.labels)
    best, when = exam.network(plan.best, plan.runs)
    epochs = training_of(card, plan.runs)
    curves = plan.folder / "tensorboard"
    write_trials(outcomes, _tested(finalists), curves)
    write_best(card.name, epochs, float(best.answers.right.mean()), curves)
    settings = making(plan.task, plan.scale, outcomes, curves, when)
    return Study(plan.task, split, chapters, finalists, best, _other(plan.runs), epochs, settings)


def card_of(name: str, task: str, runs: Path) -> Card:
    """The card of the network meant by `name`. Raises BadCard if there is none, or for another task."""
    stem, folder = find(name, runs)
    card = read_card(folder / f"{stem}.json")
    if card.labels != TASKS[task].labels:
        raise BadCard(f"{name} reads {card.labels}; the {task} study needs a network for {task}: --best")
    return card


def begin(plan: Plan, labels: str, measured_on: str) -> dict[str, Section]:
    """The sections of `plan`, begun, in the order of SECTIONS; `measured_on` tells of the test set."""
    classes = len(labels)
    every = {
        "perceptrons": perceptrons(plan.scale, classes),
        "convolutions": convolutions(plan.scale, classes),
        "normalizations": normalizations(plan.scale, classes),
        "transfer": transfer(plan.scale, labels, plan.weights, plan.runs, measured_on),
    }
    return {name: every[name] for name in SECTIONS if name in plan.sections}


def training_of(card: Card, runs: Path) -> list[Epoch]:
    """The epochs of the run in `runs` that ended with the weights of `card`; none without a run."""
    for weights in sorted(runs.glob("*/*.safetensors")):
        try:
            if read_card(weights.with_suffix(".json")).sha256 == card.sha256:
                return [Epoch(**each) for each in read_run(weights.parent).epochs]  # type: ignore[arg-type]
        except (BadCard, OSError, ValueError, KeyError, TypeError):
            continue  # it is no run, or not whole
    return []


def _tested(finalists: Sequence[Finalist]) -> dict[str, float]:
    """Test accuracies by the keys of trials."""
    return {
        outcome.trial.key: share
        for each in finalists
        for outcome, share in zip(each.outcomes, each.tested, strict=True)
    }


def _other(runs: Path) -> Predictor | None:
    try:
        return open_network(OTHER, runs)[0]
    except BadCard:
        return None
