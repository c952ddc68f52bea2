"""The curves of every trial for TensorBoard: written anew from outcomes, so that none is there twice."""

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from .trial import Outcome, Point


def write_scalars(outcomes: Sequence[Outcome], tested: Mapping[str, float], folder: Path) -> None:
    """SECTION/NAME-SEED in `folder`: loss and accuracy, training and validation in the same graph.

    `tested` is the test accuracy of some trials, by key: one point at their end.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for outcome in outcomes:
        trial = outcome.trial
        place = folder / file_name(trial.section) / f"{file_name(trial.name)}-{trial.seed}"
        _write_curves(outcome.points, place)
        if trial.key in tested:
            write_test(tested[trial.key], outcome.points[-1].images, place)


def write_test(accuracy: float, step: int, place: Path) -> None:
    """A single point, in the graph of the accuracies at `place`."""
    with SummaryWriter(str(place / "test")) as writer:
        writer.add_scalar("accuracy", accuracy, step)


def _write_curves(points: Sequence[Point], place: Path) -> None:
    for part, prefix in (("training", ""), ("validation", "validation_")):
        with SummaryWriter(str(place / part)) as writer:
            for point in points:
                for name in ("loss", "accuracy"):
                    writer.add_scalar(name, getattr(point, prefix + name), point.images)


def file_name(name: str) -> str:
    """`name` as a folder or file may be called."""
    return re.sub(r"[^\w.,=+-]+", "-", name).strip("-.") or "unnamed"
