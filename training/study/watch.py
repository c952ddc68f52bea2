"""What a person sees of a study: images shown of those asked for, images a second, time left."""

from collections.abc import Iterable, Sequence
from types import TracebackType

from rich import progress as bars

from model.terminal import notes

from .cohorts import seconds
from .trial import Outcome, Trial


class Watch:
    """A bar over all work known so far, by what it costs; a line for each cohort if there is no
    terminal."""

    def __init__(self) -> None:
        self._bar = bars.Progress(
            bars.TextColumn("{task.description}"),
            bars.BarColumn(),
            bars.TextColumn("{task.fields[shown]:,} of {task.fields[asked]:,} images"),
            bars.TextColumn("{task.fields[pace]:,.0f} img/s"),
            bars.TimeRemainingColumn(),
            console=notes,
            disable=not notes.is_terminal,
        )
        self._task = self._bar.add_task("", total=0.0, shown=0, asked=0, pace=0.0)
        self._cohorts: dict[str, Sequence[Trial]] = {}
        self._shown = self._asked = 0

    def __enter__(self) -> "Watch":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()
        if kind is KeyboardInterrupt:
            notes.print("stopped: the same command goes on from here")

    def expect(self, trials: Sequence[Trial]) -> None:
        """Add a cohort that was asked for."""
        self._cohorts[trials[0].key] = trials
        self._asked += _images(trials)
        self._bar.update(self._task, total=(self._bar.tasks[0].total or 0) + seconds(trials))
        self._show()

    def hear(self, news: Iterable[tuple[str, int]]) -> None:
        """Add the images that were shown to cohorts, which are named by the key of their first trial."""
        for key, images in news:
            trials = self._cohorts[key]
            self._shown += images
            self._bar.update(self._task, advance=seconds(trials) * images / _images(trials))
            self._show(trials)

    def ended(self, outcomes: Sequence[Outcome]) -> None:
        """Tell that a cohort has ended, if there is no terminal for the bar."""
        if notes.is_terminal:
            return
        accuracies = sorted(each.accuracy for each in outcomes)
        notes.print(
            f"{_name([each.trial for each in outcomes])}: validation accuracy {accuracies[0]:.4f} to "
            f"{accuracies[-1]:.4f}, {sum(each.seconds for each in outcomes):.1f} s; "
            f"{self._shown:,} of {self._asked:,} images so far"
        )

    def _show(self, trials: Sequence[Trial] = ()) -> None:
        task = self._bar.tasks[0]
        pace = self._shown / (task.elapsed or float("inf"))
        self._bar.update(self._task, shown=self._shown, asked=self._asked, pace=pace)
        if trials:
            self._bar.update(self._task, description=_name(trials))


def _images(trials: Sequence[Trial]) -> int:
    return sum(trial.images for trial in trials)


def _name(trials: Sequence[Trial]) -> str:
    first = trials[0]
    others = f" and {len(trials) - 1} more" if len(trials) > 1 else ""
    return f"{first.section}: {first.name}, seed {first.seed}{others}"
