"""What a person sees of a run: epochs, images a second, time left, loss, validation accuracy."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich import progress as bars

from model.terminal import notes

from .recipe import Recipe

if TYPE_CHECKING:
    from .run import Epoch


@contextmanager
def resumable(place: str) -> Iterator[None]:
    """Within it, an interruption is answered with the `place` from which the work goes on."""
    try:
        yield
    except KeyboardInterrupt:
        notes.print(f"stopped: the same command goes on from {place}")
        raise


class Progress:
    """A `bar` over all images of `recipe`, from epoch `start` on; a line for each epoch if there is no
    terminal."""

    def __init__(self, recipe: Recipe, start: int = 0) -> None:
        self._epochs, self._name = recipe.epochs, f"{recipe.name}, seed {recipe.seed}"
        self.bar = bars.Progress(
            bars.TextColumn("{task.description}"),
            bars.BarColumn(),
            bars.TextColumn("{task.fields[speed]:,.0f} img/s"),
            bars.TimeRemainingColumn(),
            bars.TextColumn("loss {task.fields[loss]:.3f}"),
            console=notes,
            disable=not notes.is_terminal,
        )
        epoch = recipe.steps * recipe.batch
        total, done = recipe.epochs * epoch, start * epoch
        self._task = self.bar.add_task("", total=total, completed=done, speed=0.0, loss=float("nan"))
        self._describe(start)

    def advance(self, images: int, loss: float) -> None:
        """`images` more were trained on; `loss` is the epoch's mean so far."""
        speed = self.bar.tasks[0].speed or 0.0
        self.bar.update(self._task, advance=images, speed=speed, loss=loss)

    def tell(self, epoch: "Epoch") -> None:
        """An epoch ended."""
        self._describe(epoch.epoch)
        notes.print(
            f"{self._name}: epoch {epoch.epoch} of {self._epochs}, loss {epoch.loss:.4f}, "
            f"validation loss {epoch.validation_loss:.4f}, accuracy {epoch.validation_accuracy:.4f}, "
            f"{epoch.images_per_second:,.0f} img/s"
        )

    def _describe(self, epochs: int) -> None:
        where = f"{self._name}: epoch {min(epochs + 1, self._epochs)} of {self._epochs}"
        self.bar.update(self._task, description=where)
