"""Curves for TensorBoard: written anew from outcomes, so that none is there twice."""

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from ..run import Epoch
from .trial import Outcome, Point


def write_trials(outcomes: Sequence[Outcome], tested: Mapping[str, float], folder: Path) -> None:
    """SECTION/NAME-SEED in `folder`, in the place of what was there, over the images shown.

    `tested` is the test accuracy of some trials, by key.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for outcome in outcomes:
        trial = outcome.trial
        place = folder / file_name(trial.section) / f"{file_name(trial.name)}-{trial.seed}"
        steps = {each.images: each for each in outcome.points}
        write_curves(steps, tested.get(trial.key), place)


def write_curves(
    steps: Mapping[int, Point] | Mapping[int, Epoch], tested: float | None, place: Path
) -> None:
    """Loss and accuracy, training and validation in the same graph; `tested` is a point at the end."""
    for part, prefix in (("training", ""), ("validation", "validation_")):
        with SummaryWriter(str(place / part)) as writer:
            for step, point in steps.items():
                for name in ("loss", "accuracy"):
                    writer.add_scalar(name, getattr(point, prefix + name), step)
    if tested is not None:
        with SummaryWriter(str(place / "test")) as writer:
            writer.add_scalar("accuracy", tested, max(steps, default=0))


def write_best(name: str, epochs: Sequence[Epoch], tested: float, folder: Path) -> None:
    """best/NAME in `folder`: the epochs of its training, where they are known, and the test."""
    write_curves({each.epoch: each for each in epochs}, tested, folder / "best" / file_name(name))


def file_name(name: str) -> str:
    """`name` as a folder or file may be called."""
    return re.sub(r"[^\w.,=+-]+", "-", name).strip("-.") or "unnamed"
