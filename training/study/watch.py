"""What a person sees of a study: images shown of those asked for, images a second, time left."""

from collections.abc import Iterable

from rich import progress as bars

from model.terminal import notes

from .trials.cost import seconds
from .trials.trial import Outcome, Trial


class Watch:
    """A `bar` over all work known so far, by what it costs; a line for each trial if there is no
    terminal."""

    def __init__(self) -> None:
        self.bar = bars.Progress(
            bars.TextColumn("{task.description}"),
            bars.BarColumn(),
            bars.TextColumn("{task.fields[shown]:,} of {task.fields[asked]:,} images"),
            bars.TextColumn("{task.fields[pace]:,.0f} img/s"),
            bars.TimeRemainingColumn(),
            console=notes,
            disable=not notes.is_terminal,
        )
        self._task = self.bar.add_task("", total=0.0, shown=0, asked=0, pace=0.0)
        self._shown = self._asked = 0

    def expect(self, trial: Trial) -> None:
        """Add a trial that was asked for."""
        self._asked += trial.shown
        total = (self.bar.tasks[0].total or 0) + seconds(trial)
        self.bar.update(self._task, total=total, asked=self._asked)

    def hear(self, news: Iterable[tuple[Trial, int]]) -> None:
        """Add the images that were shown to trials."""
        for trial, images in news:
            self._shown += images
            pace = self._shown / (self.bar.tasks[0].elapsed or float("inf"))
            done = seconds(trial) * images / trial.shown
            self.bar.update(
                self._task, description=_name(trial), advance=done, shown=self._shown, pace=pace
            )

    def ended(self, outcome: Outcome) -> None:
        """Tell that a trial has ended, if there is no terminal for the bar."""
        if not notes.is_terminal:
            notes.print(
                f"{_name(outcome.trial)}: validation accuracy {outcome.accuracy:.4f}, "
                f"{outcome.seconds:.1f} s; {self._shown:,} of {self._asked:,} images so far"
            )


def _name(trial: Trial) -> str:
    return f"{trial.section}: {trial.name}, seed {trial.seed}"
