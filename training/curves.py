"""The training curves of a run as a picture: loss and accuracy, in training and on validation."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

if TYPE_CHECKING:
    from .run import Epoch


def draw_curves(epochs: Sequence["Epoch"], title: str, path: Path) -> None:
    """Write a PNG with both curves."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    figure.suptitle(title)
    count = [each.epoch for each in epochs]
    for place, name in enumerate(("loss", "accuracy")):
        axes = figure.add_subplot(1, 2, place + 1, title=name, xlabel="epoch")
        axes.plot(
            count, [getattr(each, name) for each in epochs], marker=".", label="training (augmented)"
        )
        axes.plot(
            count,
            [getattr(each, f"validation_{name}") for each in epochs],
            marker=".",
            label="validation",
        )
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=110)
