"""Curves for TensorBoard: written anew from outcomes each time, so that none appears twice."""

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...curves import write_scalars
from ...run import Epoch
from ..trials.trial import Outcome


def write_trials(outcomes: Sequence[Outcome], tested: Mapping[str, float], folder: Path) -> None:
    """Write curves over the images shown to SECTION/NAME-SEED in `folder`, which is emptied first.

    `tested` is the test accuracy of some trials, by key.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for outcome in outcomes:
        trial = outcome.trial
        place = folder / file_name(trial.section) / f"{file_name(trial.name)}-{trial.seed}"
        steps = {each.images: each for each in outcome.points}
        write_scalars(steps, place, tested.get(trial.key))


def write_best(name: str, epochs: Sequence[Epoch], tested: float, folder: Path) -> None:
    """Write best/NAME in `folder`: the epochs of its training, if known, and the test accuracy."""
    write_scalars({each.epoch: each for each in epochs}, folder / "best" / file_name(name), tested)


def file_name(name: str) -> str:
    """`name` as a folder or file may be called."""
    return re.sub(r"[^\w.,=+-]+", "-", name).strip("-.") or "unnamed"
