"""How the commands refuse: one line on stderr that says what to do, no traceback, exit code 1."""

from typing import Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from model.card import BadCard
from model.charset import BadCharset

from ..publish import Refused
from ..run import BadRun
from ..sets.data import BadData

notes = Console(stderr=True, highlight=False, soft_wrap=True)


class Commands(TyperGroup):
    """The commands of the training line."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (BadData, BadCard, BadCharset, BadRun, Refused) as error:
            notes.print(f"error: {error}", style="red", markup=False)
            raise typer.Exit(1) from error
