"""`inkqueue read`: reads images in this process, without a server.

Labels and lines go to stdout, everything else to stderr.
"""

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from .card import BadCard, read_cards
from .charset import BadCharset, allowed_classes
from .engines.opening import open_predictor
from .files.images import BadImage, png
from .folders import NoImages, find_images, is_named_as_image
from .layout import BadLayout, Kind, Layout, layout_of
from .paths import Unread
from .printing import Format, writer
from .scans import ScanReader
from .screen import open_screen, screen_of
from .terminal import Refusal, notes, printing, progress, refuse

app = typer.Typer(add_completion=False)


@app.command()
def read(
    paths: Annotated[list[str], typer.Argument(metavar="PATH", help="images, or folders of them")],
    model: Annotated[str, typer.Option(help="a network's name")] = "balanced",
    charset: Annotated[
        str | None, typer.Option(help="digits, letters, upper, lower, or the characters")
    ] = None,
    recursive: Annotated[bool, typer.Option(help="go into subfolders, too")] = True,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1")] = "auto",
    layout: Annotated[
        Kind, typer.Option(help="one character per image, or a line, a page or ruled cells of them")
    ] = "character",
    rows: Annotated[int | None, typer.Option(min=1, max=200, help="of a grid")] = None,
    columns: Annotated[int | None, typer.Option(min=1, max=200, help="of a grid")] = None,
    preview: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="write a PNG there that shows what was seen of one image"),
    ] = None,
    format: Annotated[
        Format, typer.Option(help="text: label, tab, path; for many characters, their lines")
    ] = "text",
) -> None:
    """Read images here, without a server. Exit code 1: some could not be read."""
    try:
        files = find_images(paths, recursive=recursive)
        how = layout_of(layout, rows, columns)
        _check_preview(preview, len(files))
        reader = _reader(model, charset, device, how)
    except (Refusal, NoImages, BadCard, BadCharset, BadLayout) as error:
        refuse(error)
    with printing():
        good = _write_all(reader, files, format)
    if preview:
        _write_preview(reader, files[0], preview)
    raise typer.Exit(0 if good else 1)


def _check_preview(preview: Path | None, images: int) -> None:
    """Raise Refusal unless there is no preview, or it is a PNG of one image."""
    if preview and images != 1:
        raise Refusal(f"--preview shows one image, and there are {images}")
    if preview and is_named_as_image(preview) and preview.suffix.lower() != ".png":
        raise Refusal(f"--preview writes a PNG, and {preview} is not named as one")


def _reader(model: str, charset: str | None, device: str, layout: Layout) -> ScanReader:
    cards = read_cards()
    if model not in cards:
        raise Refusal(f"there is no network {model!r}; there are {', '.join(cards)}")
    allowed = None if charset is None else allowed_classes(charset, cards[model].labels)
    try:
        network = open_predictor(model, device=device)
        return ScanReader(network, allowed, layout, screen_of(network, partial(open_screen, device)))
    except RuntimeError as error:
        raise Refusal(str(error)) from error


def _write_all(reader: ScanReader, files: list[Path], format: Format) -> bool:
    """Read the files and print what they say; return whether all could be read."""
    bad = 0
    hidden = sys.stdout.isatty()  # the results appear there, and show the progress
    with progress(len(files), hidden) as advance:
        write = writer(format, several=len(files) > 1)
        for outcome in reader.read(files):
            if isinstance(outcome, Unread):
                bad += 1
                hint = (
                    "; submit a ZIP with `inkqueue submit`"
                    if outcome.path.lower().endswith(".zip")
                    else ""
                )
                notes.print(f"{outcome.path}: {outcome.reason}{hint}", style="red")
            else:
                write(outcome)
            advance()
    return not bad


def _write_preview(reader: ScanReader, image: Path, preview: Path) -> None:
    """Write the preview, unless the image could not be read, which was reported already."""
    try:
        picture = png(reader.preview(image))
    except (BadImage, OSError):
        return
    try:
        preview.write_bytes(picture)
    except OSError as error:
        refuse(f"cannot write {preview}: {error.strerror}")


def main() -> None:
    """Run the command under the name that people type."""
    for stream in filter(None, (sys.stdout, sys.stderr)):  # unless they are closed
        stream.reconfigure(errors="surrogateescape")  # paths need not be text
    app(prog_name="inkqueue read")
