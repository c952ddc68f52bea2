"""How commands speak: data on stdout, all else on stderr; a refusal is one red line and exit code 1.

Shared by `inkqueue read`, the training commands and the gateway's client.
"""

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
from typer.core import TyperGroup


class Notes(Console):
    """What people are told. If stderr cannot be written, data on stdout still comes."""

    def __exit__(self, *error: Any) -> None:  # bars are written here, too
        with suppress(OSError):
            super().__exit__(*error)


notes = Notes(stderr=True, highlight=False, soft_wrap=True, markup=False)


class Refusal(Exception):
    """A command cannot go on; the text says why and what to do."""


def refuse(reason: object) -> NoReturn:
    """End the command with exit code 1, saying why."""
    notes.print(f"error: {reason}", style="red")
    raise typer.Exit(1)


@contextmanager
def printing() -> Iterator[None]:
    """Flush stdout at the end. If the system refuses something, such as writing to a full disk, the
    command ends in a refusal; if stdout is closed, nothing is written."""
    if sys.stdout is None:
        _mute()
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except OSError as error:
        if error.errno == errno.EPIPE:  # the reader has read enough, and closed the pipe
            raise
        try:
            sys.stdout.flush()
        except OSError:  # or Python would complain at exit about what is left to write
            _mute()
        where = f"{error.filename}: " if error.filename else ""
        refuse(f"{where}{error.strerror or error}")


class Commands(TyperGroup):
    """The commands of a program; whatever they refuse is one line on stderr and exit code 1."""

    refusals: tuple[type[Exception], ...] = (Refusal,)

    def make_context(self, *args: Any, **options: Any) -> Any:
        with printing():  # of --help
            return super().make_context(*args, **options)

    def invoke(self, ctx: Any) -> Any:
        with printing():
            try:
                return super().invoke(ctx)
            except self.refusals as error:
                refuse(f"{error}{self.hint(error)}")

    def hint(self, error: Exception) -> str:
        """What to add to the text of `error`."""
        return ""


def _mute() -> None:
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115


@contextmanager
def progress(total: int, hidden: bool = False) -> Iterator[Callable[[], None]]:
    """Show a progress bar, on a terminal only; yields a function that moves it by one."""
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    hidden = hidden or not notes.is_terminal
    with Progress(*columns, console=notes, transient=True, disable=hidden, redirect_stdout=False) as bar:
        task = bar.add_task("", total=total)
        yield lambda: bar.advance(task)
