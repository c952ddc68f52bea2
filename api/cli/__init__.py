"""The command `inkqueue`: a table of contents; each command stands in the module of its kind."""

import typer

from .console import Commands
from .demo import demo
from .jobs import cancel, delete, jobs, models, retry, status, watch
from .reading import read
from .serving import keys, up
from .submission import results, submit

app = typer.Typer(
    cls=Commands,
    help="Bulk handwriting recognition: scans in, characters out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

for command in (up, submit, results, status, watch, cancel, retry, delete, jobs, models, keys, demo):
    app.command()(command)

# What follows is for `python -m model`, its --help too.
app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)(read)
