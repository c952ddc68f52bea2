"""One frame of `inkqueue top`: what is known at one moment, and how it is shown."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ..schemas.jobs import JobOut
from ..schemas.queues import BacklogOut, QueueOut, WorkerOut


class Frame(BaseModel):
    """What is shown at one moment; `jobs` are the caller's newest."""

    at: datetime
    queue: QueueOut
    jobs: list[JobOut]


def render(frame: Frame) -> RenderableType:
    """A frame for people: a line of figures, then queue, workers and jobs."""
    queue = frame.queue
    tables = (_queues(queue.models), _workers(queue.workers, frame.at), _jobs(frame.jobs, frame.at))
    return Group(_head(frame), *(part for table in tables for part in (Text(), table)))


def _head(frame: Frame) -> Text:
    queue, workers = frame.queue, len(frame.queue.workers)
    images = sum(lane.images for model in queue.models for lane in model.lanes)
    rate = sum(model.images_per_second for model in queue.models)
    parts = [
        f"{frame.at.astimezone():%H:%M:%S}",
        f"{images:,} images queued",
        f"{rate:,.0f} images/s",
        f"{workers} worker{'s' * (workers != 1)}, {queue.desired_workers} desired",
    ]
    return Text("inkqueue  " + "  ·  ".join(parts), style="bold" if queue.workers else "bold red")


def _queues(models: Sequence[BacklogOut]) -> Table:
    table = _table("model", "lane", right=("jobs", "images", "oldest", "images/s"))
    for model in models:
        for number, lane in enumerate(model.lanes):
            figures = (f"{lane.jobs:,}", f"{lane.images:,}", span(lane.oldest_seconds))
            rate = "" if number else f"{model.images_per_second:,.0f}"
            style = "" if lane.jobs else "dim"
            names = _cut("" if number else model.model), _cut(lane.lane)
            table.add_row(*names, *figures, rate, style=style)
    return table


def _workers(workers: Sequence[WorkerOut], at: datetime) -> Table:
    table = _table("worker", "device", "reading", right=("batch", "read", "images/s", "up"))
    for each in workers:
        rate = " ".join(f"{model}:{rate:,.0f}" for model, rate in each.images_per_second.items())
        since = span((at - each.ready_at).total_seconds()) if each.ready_at else ""
        figures = (f"{each.batch:,}", f"{each.images:,}", rate, since)
        names = map(_cut, (each.id, each.device, each.reading or ""))
        table.add_row(*names, *figures)
    return table


def _jobs(jobs: Sequence[JobOut], at: datetime) -> Table:
    table = _table("job", "state", "model", right=("images", "read", "failed", "left", "age"))
    for job in jobs:
        counts, age = job.counts, (at - job.created_at).total_seconds()
        figures = (f"{counts.total:,}", f"{counts.succeeded:,}", f"{counts.failed:,}")
        spans = (span(job.eta_seconds), span(age))
        style = "dim" if job.state.final else ""
        names = map(_cut, (job.id, str(job.state), job.model))
        table.add_row(*names, *figures, *spans, style=style)
    return table


def _table(*left: str, right: Sequence[str]) -> Table:
    """A table of names at the left, which are cut where it is too narrow, and figures, which are not."""
    table = Table(box=None, pad_edge=False, header_style="bold cyan", expand=False)
    for heading in left:
        table.add_column(_cut(heading))
    for heading in right:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _cut(name: str) -> Text:
    """A name that is shortened if need be: a column that is not to be wrapped at all would not be."""
    return Text(name, no_wrap=True, overflow="ellipsis")


def span(seconds: float | None) -> str:
    """A duration in its two largest units; nothing for None."""
    if seconds is None:
        return ""
    if seconds < 59.95:
        return f"{max(0.0, seconds):.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{rest:02}s"
