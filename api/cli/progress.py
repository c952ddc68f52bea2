"""Progress on stderr: a bar with images done, images a second and the time that is left."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from worker.ledger.jobs import JobState

from ..client import Client, CompletedEvent, InkqueueError, ProblemError, ProgressEvent
from ..schemas.jobs import JobOut
from .console import notes
from .frames import span


class Rate(ProgressColumn):
    """Images a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f} img/s" if task.speed else "", style="progress.data.speed")


@contextmanager
def bar(total: int) -> Iterator[Callable[[int, str], None]]:
    """Show a bar, on a terminal only; yields the function that updates it with images done and state."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(),
    )
    hidden = not notes.is_terminal
    with Progress(
        *columns, console=notes, transient=True, disable=hidden, redirect_stdout=False
    ) as live:
        task = live.add_task("", total=total)
        yield lambda done, state: live.update(task, completed=done, description=state)


@contextmanager
def sending(url: str) -> Iterator[None]:
    """Show that a job is being sent. After Ctrl-C, say how to find out whether it arrived."""
    try:
        with notes.status(f"sending to {url}"):
            yield
    except KeyboardInterrupt:
        notes.print("stopped while sending; see whether the job was stored: inkqueue jobs")
        raise


def follow(client: Client, job: JobOut) -> JobOut:
    """Show the job until it is final. After Ctrl-C or an error, which the job survives, print its id."""
    try:
        with bar(job.counts.total) as show:
            for event in client.events(job, results=False):
                if isinstance(event, ProgressEvent):
                    show(_done(event), event.state)
                elif isinstance(event, CompletedEvent):
                    job = event.job
    except (KeyboardInterrupt, InkqueueError) as error:
        if not (isinstance(error, ProblemError) and error.status in (404, 410)):  # it is gone
            notes.print(f"{job.id} is still being read; watch it with: inkqueue watch {job.id}")
        raise
    notes.print(summary(job))
    return job


def require_success(job: JobOut) -> None:
    """Exit code 1 unless every image was read."""
    if job.state is not JobState.SUCCEEDED:
        raise typer.Exit(1)


def summary(job: JobOut) -> str:
    """A job in one line."""
    counts = job.counts
    parts = [f"{counts.succeeded} of {counts.total} read"]
    parts += [f"{counts.failed} failed"] if counts.failed else []
    parts += [f"{counts.canceled} canceled"] if counts.canceled else []
    parts += [f"{job.position} job{'s' * (job.position > 1)} before it"] if job.position else []
    parts += [f"about {span(job.eta_seconds)} to go"] if job.eta_seconds else []
    seconds = (job.ended_at - job.created_at).total_seconds() if job.ended_at else None
    time = f" in {seconds:.1f} s" if seconds is not None else ""
    return f"{job.id} {job.state}: {', '.join(parts)}{time}"


def _done(event: ProgressEvent) -> int:
    return event.counts.succeeded + event.counts.failed + event.counts.canceled
