"""`inkqueue top`: queue, workers, rates and jobs in a terminal, again and again until Ctrl-C."""

import time
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from ..client import Client
from ..client.settings import DEFAULT_URL
from .frames import Frame, render
from .options import BRIEFLY, LONG, ApiKey, Url, connect

JOBS = 10
WIDTH = 140
"""Columns of the output if it is no terminal."""


def top(
    url: Url = DEFAULT_URL,
    api_key: ApiKey = None,
    interval: Annotated[float, typer.Option(min=0.1, help="seconds between updates")] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="only once, for pipes")] = False,
    json: Annotated[bool, typer.Option("--json", help="only once, as JSON")] = False,
) -> None:
    """Watch the queue, the workers and your jobs, live."""
    out = Console(highlight=False)
    if not out.is_terminal:
        out.width = WIDTH
    live = out.is_terminal and not (once or json)
    with connect(url, api_key, LONG if live else BRIEFLY) as client:
        if live:
            _watch(client, out, interval)
        elif json:
            typer.echo(_look(client).model_dump_json())
        else:
            out.print(render(_look(client)))


def _watch(client: Client, out: Console, interval: float) -> None:
    with Live(render(_look(client)), console=out, screen=True, auto_refresh=False) as live:
        try:
            while True:
                time.sleep(interval)
                live.update(render(_look(client)), refresh=True)
        except KeyboardInterrupt:
            return


def _look(client: Client) -> Frame:
    """The present state."""
    queue = client.queue()
    return Frame(at=datetime.now(UTC), queue=queue, jobs=list(islice(client.jobs(), JOBS)))
