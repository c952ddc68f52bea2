"""Commands that run in a process apart, since the one of `inkqueue` may not hold torch."""

import subprocess
import sys

import typer


def read(ctx: typer.Context) -> None:
    """Read images or folders here, without a server: label, tab, path a line."""
    _run("model", ctx.args)


def training(ctx: typer.Context) -> None:
    """A command of `python -m training`, which lists them all."""
    _run("training", [str(ctx.info_name), *ctx.args])


def _run(package: str, arguments: list[str]) -> None:
    # -P: a folder called `model` where the command is called is not ours.
    done = subprocess.run([sys.executable, "-P", "-m", package, *arguments], check=False)
    raise typer.Exit(done.returncode)
