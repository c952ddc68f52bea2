"""Training curves as a picture and for TensorBoard: loss and accuracy, in training and on validation."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .figure import blank

if TYPE_CHECKING:
    from .run import Epoch
    from .study.trials.trial import Point


def draw_curves(epochs: Sequence["Epoch"], title: str, path: Path) -> None:
    """Write a PNG of loss and accuracy."""
    figure = blank(10, 4)
    figure.suptitle(title)
    count = [each.epoch for each in epochs]
    for place, name in enumerate(("loss", "accuracy")):
        axes = figure.add_subplot(1, 2, place + 1, title=name, xlabel="epoch")
        axes.plot(count, [getattr(each, name) for each in epochs], marker=".", label="training")
        axes.plot(
            count,
            [getattr(each, f"validation_{name}") for each in epochs],
            marker=".",
            label="validation",
        )
        axes.locator_params(axis="x", integer=True)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path, dpi=110)


def write_scalars(
    steps: "Mapping[int, Epoch] | Mapping[int, Point]", folder: Path, tested: float | None = None
) -> None:
    """Write training and validation into the same graphs; `tested` is the test accuracy at the end."""
    from torch.utils.tensorboard import SummaryWriter  # which takes a third of a second

    for part, prefix in (("training", ""), ("validation", "validation_")):
        with SummaryWriter(str(folder / part)) as writer:
            for step, point in steps.items():
                for name in ("loss", "accuracy"):
                    writer.add_scalar(name, getattr(point, prefix + name), step)
    if tested is not None:
        with SummaryWriter(str(folder / "test")) as writer:
            writer.add_scalar("accuracy", tested, max(steps, default=0))
