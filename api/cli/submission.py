"""Images in, characters out: `inkqueue submit` and `inkqueue results`."""

from typing import Annotated, Literal

import typer

from model.layout import Kind
from worker.ledger.jobs import Lane

from ..client.settings import DEFAULT_URL
from ..schemas.jobs import Only
from .console import notes
from .options import LONG, ApiKey, FormatOption, JobId, Output, Url, connect
from .output import emptied, format_of, opened, write_items
from .progress import follow, require_success, sending


def submit(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH", help="images, folders of them, ZIPs, .npy or IDX")
    ],
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
    model: Annotated[str | None, typer.Option(help="see `inkqueue models`")] = None,
    charset: Annotated[
        str | None, typer.Option(help="digits, letters, upper, lower, or the characters")
    ] = None,
    normalize: Annotated[
        Literal["auto", "none"] | None, typer.Option(help="none: take images as they are")
    ] = None,
    layout: Annotated[
        Kind | None,
        typer.Option(help="one character per image, or a line, a page or ruled cells of them"),
    ] = None,
    rows: Annotated[
        int | None, typer.Option(help="rows of a grid; if left out, ruled cells are found")
    ] = None,
    columns: Annotated[int | None, typer.Option(help="columns of a grid")] = None,
    top_k: Annotated[int | None, typer.Option(min=1, max=10, help="candidates per image")] = None,
    priority: Annotated[
        Lane | None, typer.Option(help="the fast lane, or the other one; by default by the job's size")
    ] = None,
    keep_images: Annotated[
        bool, typer.Option("--keep-images", help="keep uploads as long as the job")
    ] = False,
    expires_in: Annotated[
        int | None, typer.Option(min=1, help="seconds after which the job and its results are deleted")
    ] = None,
    callback_url: Annotated[
        str | None, typer.Option(help="URL to notify of the job's end; see `inkqueue webhooks secret`")
    ] = None,
    wait: Annotated[bool, typer.Option(help="wait for the results, or only print the job's id")] = True,
    format: FormatOption = None,
    output: Output = None,
) -> None:
    """Submit images as one job, watch it, print what they say. Exit code 1: some were not read."""
    if format and not wait:
        raise typer.BadParameter("--format is for results; with --no-wait only the job's id is printed")
    with connect(url, api_key, LONG) as client, opened(output) as out:
        with sending(url):
            job = client.submit(
                paths,
                model=model,
                charset=charset,
                normalize=normalize,
                layout=layout,
                rows=rows,
                columns=columns,
                top_k=top_k,
                priority=priority,
                keep_images=keep_images or None,
                expires_in=expires_in,
                callback_url=callback_url,
            )
        if not wait:
            notes.print(f"images stored: {job.counts.total}; see: inkqueue watch {job.id}")
            emptied(out).write(f"{job.id}\n")
            return
        job = follow(client, job)
        write_items(client.results(job), format_of(format, output), out)
    require_success(job)


def results(
    job: JobId,
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
    only: Annotated[Only | None, typer.Option(help="print only these")] = None,
    format: FormatOption = None,
    output: Output = None,
) -> None:
    """Print a job's results as they come, until it is final."""
    with connect(url, api_key, LONG) as client, opened(output) as out:
        client.job(job)  # an unknown job is refused before anything is written
        write_items(client.results(job, only), format_of(format, output), out)
