"""Options that several commands share, and the client they use."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from ..client import Client, RetryPolicy
from .console import Refusal

Url = Annotated[str, typer.Option(envvar="INKQUEUE_URL", help="the gateway's URL")]
ApiKey = Annotated[str | None, typer.Option(envvar="INKQUEUE_API_KEY", help="your API key")]
JobId = Annotated[str, typer.Argument(metavar="JOB", help="a job's id")]
Format = Literal["table", "json", "ndjson", "csv"]
FormatOption = Annotated[
    Format | None,
    typer.Option("--format", help="of the results; by default, as the output's name ends, else a table"),
]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", dir_okay=False, help="a file instead of stdout")
]

BRIEFLY = RetryPolicy(silence_s=2)
LONG = RetryPolicy(silence_s=15)
"""A gateway that restarts is back within this time."""


def connect(url: str, api_key: str | None, retries: RetryPolicy = BRIEFLY) -> Client:
    """A client of the gateway at `url`. Raises Refusal."""
    try:
        return Client(url, api_key, retries=retries)
    except ValueError as error:
        raise Refusal(str(error)) from error
