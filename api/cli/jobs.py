"""Jobs and models: `inkqueue status`, `watch`, `cancel`, `retry`, `delete`, `jobs` and `models`."""

import sys
from itertools import islice
from typing import Annotated

import typer

from worker.ledger.jobs import JobState

from ..client.settings import DEFAULT_URL
from ..schemas.jobs import JobOut
from .console import notes
from .options import LONG, ApiKey, JobId, Url, connect
from .output import write_table
from .progress import follow, require_success, summary

Json = Annotated[bool, typer.Option("--json", help="everything, as JSON")]


def status(job: JobId, url: Url = DEFAULT_URL, api_key: ApiKey = None, json: Json = False) -> None:
    """Print how a job is doing."""
    with connect(url, api_key) as client:
        found = client.job(job)
    typer.echo(found.model_dump_json(indent=2) if json else summary(found))


def watch(job: JobId, url: Url = DEFAULT_URL, api_key: ApiKey = None) -> None:
    """Watch a job until it is final. Exit code 1: not every image was read."""
    with connect(url, api_key, LONG) as client:
        final = follow(client, client.job(job))
    require_success(final)


def cancel(job: JobId, url: Url = DEFAULT_URL, api_key: ApiKey = None) -> None:
    """Read nothing more of a job; what was read stays."""
    with connect(url, api_key) as client:
        typer.echo(summary(client.cancel(job)))


def retry(job: JobId, url: Url = DEFAULT_URL, api_key: ApiKey = None) -> None:
    """Make a new job of those images of a job that failed; print its id."""
    with connect(url, api_key) as client:
        again = client.retry(job)
    notes.print(f"images to be read again: {again.counts.total}; see: inkqueue watch {again.id}")
    typer.echo(again.id)


def delete(job: JobId, url: Url = DEFAULT_URL, api_key: ApiKey = None) -> None:
    """Delete a finished job and everything that belongs to it."""
    with connect(url, api_key) as client:
        client.delete(job)
    notes.print(f"{job} is deleted")


def jobs(
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
    state: Annotated[JobState | None, typer.Option(help="only jobs in this state")] = None,
    limit: Annotated[int, typer.Option(min=1, help="at most this many")] = 20,
    json: Json = False,
) -> None:
    """List jobs, newest first."""
    with connect(url, api_key) as client:
        found = list(islice(client.jobs(state), limit))
    if json:
        for each in found:
            typer.echo(each.model_dump_json())
        return
    headings = ("job", "state", "images", "read", "failed", "model", "created")
    write_table([headings, *map(_row, found)], sys.stdout)


def models(url: Url = DEFAULT_URL, api_key: ApiKey = None, json: Json = False) -> None:
    """List the networks, what they read and how well."""
    with connect(url, api_key) as client:
        found = client.models()
    if json:
        for each in found:
            typer.echo(each.model_dump_json())
        return
    headings = ("model", "accuracy", "labels", "measured on")
    rows = ((each.name, f"{each.accuracy['top1']:.2%}", each.labels, each.measured_on) for each in found)
    write_table([headings, *rows], sys.stdout)


def _row(job: JobOut) -> tuple[object, ...]:
    counts, created = job.counts, f"{job.created_at.astimezone():%Y-%m-%d %H:%M:%S}"
    return job.id, job.state, counts.total, counts.succeeded, counts.failed, job.model, created
