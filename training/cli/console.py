"""How the training commands speak: results on stdout, and refusals that say what to do."""

from collections.abc import Iterable

import typer
from rich.console import Console

from model import terminal
from model.card import BadCard
from model.charset import BadCharset

from ..publish import Refused
from ..run import BadRun
from ..sets.data import BadData
from ..tables import TextTable

console = Console(highlight=False, soft_wrap=True)


def show(tables: Iterable[TextTable], markdown: bool = False) -> None:
    """Print tables for a person, or as Markdown."""
    for each in tables:
        if markdown:
            typer.echo(each.markdown())
        else:
            each.show(console)


class Commands(terminal.Commands):
    """The commands of the training line."""

    refusals = (BadData, BadCard, BadCharset, BadRun, Refused)
