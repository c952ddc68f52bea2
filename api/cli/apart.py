"""Commands that take the place of the process of `inkqueue`, which must not load torch."""

import os
import sys

import typer


def read(ctx: typer.Context) -> None:
    """Read images or folders without a server: print a line of label, tab and path for each image."""
    _become("model", ctx.args)


def training(ctx: typer.Context) -> None:
    """Run a command of `python -m training`, which lists them all."""
    _become("training", [str(ctx.info_name), *ctx.args])


def _become(package: str, arguments: list[str]) -> None:
    # -P: a folder called `model` in the working directory is not ours.
    os.execv(sys.executable, [sys.executable, "-P", "-m", package, *arguments])  # noqa: S606
