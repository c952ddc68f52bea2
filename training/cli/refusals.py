"""How the commands refuse: one line on stderr that says what to do, no traceback, exit code 1."""

from typing import Any

from typer.core import TyperGroup

from model.card import BadCard
from model.charset import BadCharset
from model.terminal import refuse

from ..publish import Refused
from ..run import BadRun
from ..sets.data import BadData


class Commands(TyperGroup):
    """The commands of the training line."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (BadData, BadCard, BadCharset, BadRun, Refused) as error:
            refuse(error)
        except BrokenPipeError:
            raise  # whoever was reading has gone: typer ends without a word
        except OSError as error:
            refuse(f"{error.filename}: {error.strerror}" if error.filename else error)
