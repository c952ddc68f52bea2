"""`inkqueue read`: images read without a server, by a process apart, since this may not hold torch."""

import subprocess
import sys

import typer


def read(ctx: typer.Context) -> None:
    """Read images or folders here, without a server: label, tab, path a line."""
    # -P: a folder called `model` where the command is called is not ours.
    done = subprocess.run([sys.executable, "-P", "-m", "model", *ctx.args], check=False)
    raise typer.Exit(done.returncode)
