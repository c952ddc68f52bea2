"""The command `python -m training`: its contents; each command stands in the module of its kind."""

import typer

from . import datasets
from .cutting import sheets
from .measuring import engines, evaluate
from .publishing import cascade, ensemble, publish
from .refusals import Commands
from .reporting import report
from .running import train
from .screening import screen
from .shelving import runs
from .studying import study

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
app.add_typer(datasets.app, name="data")
