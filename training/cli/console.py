"""How the training commands speak: results on stdout, and refusals that say what to do."""

from rich.console import Console

from model import terminal
from model.card import BadCard
from model.charset import BadCharset

from ..publish import Refused
from ..run import BadRun
from ..sets.data import BadData

console = Console(highlight=False, soft_wrap=True)


class Commands(terminal.Commands):
    """The commands of the training line."""

    refusals = (BadData, BadCard, BadCharset, BadRun, Refused)
