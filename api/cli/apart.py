"""Commands that run in a process of their own, since the process of `inkqueue` must not load torch."""

import subprocess
import sys

import typer


def read(ctx: typer.Context) -> None:
    """Read images or folders without a server: print a line of label, tab and path for each image."""
    _run("model", ctx.args)


def training(ctx: typer.Context) -> None:
    """Run a command of `python -m training`, which lists them all."""
    _run("training", [str(ctx.info_name), *ctx.args])


def _run(package: str, arguments: list[str]) -> None:
    # -P: a folder called `model` in the working directory is not ours.
    done = subprocess.run([sys.executable, "-P", "-m", package, *arguments], check=False)
    raise typer.Exit(done.returncode)
