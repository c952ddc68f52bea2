"""How the command speaks: data on stdout, everything else on stderr, refusals without a traceback."""

from typing import Any

from typer.core import TyperGroup

from model.folders import NoImages
from model.terminal import notes, printing, refuse
from worker.settings import BadSettings

from ..client import InkqueueError, ProblemError, Unreachable

__all__ = ["Commands", "Refusal", "notes"]


class Refusal(Exception):
    """A command cannot go on; the text says why and what to do."""


class Commands(TyperGroup):
    """The commands; whatever they refuse is one line on stderr and exit code 1."""

    def invoke(self, ctx: Any) -> Any:
        with printing():
            try:
                return super().invoke(ctx)
            except (Refusal, NoImages, BadSettings, InkqueueError) as error:
                refuse(f"{error}{_hint(error)}")


def _hint(error: Exception) -> str:
    if isinstance(error, Unreachable):
        return "; start one with `inkqueue up`, or name another with --url or INKQUEUE_URL"
    if isinstance(error, ProblemError) and error.status == 401:
        return " (--api-key or INKQUEUE_API_KEY)"
    return ""
