"""What a person sees of a study: images done of those asked for, images a second, time to go."""

from rich import progress as bars

from ..progress import console


class Watch:
    """A bar over all work known so far, by what it costs; a line a cohort where no terminal is."""

    def __init__(self) -> None:
        self._bar = bars.Progress(
            bars.TextColumn("{task.description}"),
            bars.BarColumn(),
            bars.TextColumn("{task.fields[shown]:,} of {task.fields[asked]:,} images"),
            bars.TextColumn("{task.fields[speed]:,.0f} img/s"),
            bars.TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            disable=not console.is_terminal,
        )
