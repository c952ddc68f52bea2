"""`python -m model`, which `inkqueue read` runs: image files read here and now, with no server at all.

Labels go to stdout, everything else to stderr.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from .card import BadCard, read_cards
from .charset import BadCharset
from .folders import NoImages, find_images
from .lines import FORMATS, Format, Line

if TYPE_CHECKING:
    from .scans import ScanReader

DEFAULT_MODEL = "balanced"

app = typer.Typer(add_completion=False)
notes = Console(stderr=True, highlight=False)


@app.command()
def read(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="images, or folders of them")],
    model: Annotated[str, typer.Option(help="a network's name")] = DEFAULT_MODEL,
    charset: Annotated[
        str | None, typer.Option(help="digits, letters, upper, lower, or the characters")
    ] = None,
    recursive: Annotated[bool, typer.Option(help="go into folders of folders")] = True,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1")] = "auto",
    format: Annotated[Format, typer.Option(help="text is LABEL, a tab, PATH")] = "text",
) -> None:
    """Read images here, without a server. Exit code 1: some could not be read."""
    try:
        files = find_images(paths, recursive=recursive)
        reader = _load(model, charset, device)
    except (NoImages, BadCard, BadCharset) as error:
        _refuse(str(error))
    # Names of files need not be text.
    sys.stdout.reconfigure(errors="surrogateescape")  # type: ignore[union-attr]
    bad = 0

    def good(lines: Iterator[Line | str]) -> Iterator[Line]:
        nonlocal bad
        for line in lines:
            if isinstance(line, Line):
                yield line
            else:
                bad += 1
                notes.print(line, style="red", markup=False, soft_wrap=True)

    with _progress(len(files)) as lines_of:
        FORMATS[format](good(lines_of(reader, files)), sys.stdout)
    raise typer.Exit(1 if bad else 0)
