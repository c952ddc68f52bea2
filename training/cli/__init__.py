"""The command `python -m training`: its contents; each command stands in the module of its name."""

import typer

from .composites import cascade, ensemble
from .console import Commands
from .data import app as data
from .engines import engines
from .evaluate import evaluate
from .publish import publish
from .report import report
from .runs import runs
from .screen import screen
from .sheets import sheets
from .study import study
from .train import train

app = typer.Typer(
    cls=Commands,
    help="Train, measure and publish the networks that Inkqueue serves.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

for command in (
    train,
    screen,
    evaluate,
    sheets,
    report,
    study,
    engines,
    runs,
    cascade,
    ensemble,
    publish,
):
    app.command()(command)
app.add_typer(data, name="data")
