"""The commands of `inkqueue`: a table of contents; each command is in the module of its kind."""

import typer

from .apart import read, training
from .console import Commands
from .demo import demo
from .jobs import cancel, delete, jobs, models, retry, status, watch
from .keys import app as keys
from .serving import up
from .submission import results, submit
from .top import top
from .webhooks import app as webhooks

app = typer.Typer(
    cls=Commands,
    help="Bulk handwriting recognition: scans in, characters out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

for command in (
    up,
    submit,
    results,
    status,
    watch,
    cancel,
    retry,
    delete,
    jobs,
    models,
    top,
    demo,
):
    app.command()(command)
app.add_typer(webhooks, name="webhooks")
app.add_typer(keys, name="keys")

# What follows these commands is passed on to `python -m model` and `python -m training`, --help too.
PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}
app.command(context_settings=PASSED_ON, add_help_option=False)(read)
for name, words in {
    "data": "List the data sets, and where to get them.",
    "train": "Train a network.",
    "screen": "Train the screen, which detects glyphs that are no characters.",
    "evaluate": "Measure networks on their test sets.",
    "sheets": "Draw pages and grids, read them, and count what is found and misread.",
    "engines": "Compare the engines that can run a network: the same labels? how fast?",
    "report": "Write the report of a network: figures, pictures, mistakes.",
    "study": "Compare small networks on a task, and report on all of it.",
    "runs": "List the training runs.",
    "cascade": "Make one network of a cheap and an expensive one.",
    "ensemble": "Make one network of several that all read every image.",
    "publish": "Add a trained network to those served from the next start of `up`.",
}.items():
    app.command(name, help=words, context_settings=PASSED_ON, add_help_option=False)(training)
