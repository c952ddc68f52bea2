"""Writes results as they come, one at a time, in any of the formats."""

import csv
import io
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from ..csv_rows import COLUMNS, cells
from ..schemas.jobs import ItemOut
from .console import Refusal
from .options import Format


@contextmanager
def opened(path: Path | None) -> Iterator[TextIO]:
    """The file to write to, or stdout for None. It is opened early, so that no work is in vain; its old
    content stays until something is written (see emptied). Raises Refusal."""
    if path is None:
        if isinstance(sys.stdout, io.TextIOWrapper):  # what it cannot encode is shown as \u...
            sys.stdout.reconfigure(errors="backslashreplace")
        yield sys.stdout
        return
    new = not os.path.lexists(path)
    try:
        file = path.open("a", encoding="utf-8", newline="")
    except OSError as error:
        raise Refusal(f"cannot write {path}: {error.strerror}") from error
    with file:
        try:
            yield file
        except BaseException:
            if new and not file.tell():
                path.unlink()
            raise


def emptied(out: TextIO) -> TextIO:
    """`out`; if it is a file, without its old content."""
    if out is not sys.stdout and stat.S_ISREG(os.fstat(out.fileno()).st_mode):
        out.truncate(0)
    return out


def write_items(items: Iterable[ItemOut], format: Format, out: TextIO) -> None:
    """Write all of `items`, replacing the old content of a file."""
    _WRITERS[format](items, emptied(out))


def format_of(given: Format | None, path: Path | None) -> Format:
    """The format `given`, else that by which the file's name ends, else a table."""
    if given:
        return given
    suffix = path.suffix[1:].lower() if path else ""
    return next((each for each in _WRITERS if each == suffix), "table")


def write_table(rows: Iterable[Sequence[object]], out: TextIO) -> None:
    """Write rows, the first of them the headings, in columns as wide as needed."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for row in texts:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        out.write(line.rstrip() + "\n")


def _table(items: Iterable[ItemOut], out: TextIO) -> None:
    """Write a table; the name comes last, since it may be of any length."""
    row = "{:>7}  {:<5}  {:>10}  {:<17}  {}\n".format
    out.write(row("index", "label", "confidence", "note", "name"))
    for item in items:
        confidence = "" if item.confidence is None else f"{item.confidence:.4f}"
        name = f"{item.name}: {item.error.detail}" if item.error else item.name
        out.write(row(item.index, item.label or "", confidence, _note(item), _harmless(name)))
        for line in (item.text or "").splitlines():
            out.write(f"{'':>9}{line}\n")


def _harmless(name: str) -> str:
    """A name that is safe to show on a terminal: a custom_id is whatever its client sent."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in name)


def _note(item: ItemOut) -> str:
    if item.error:
        return item.error.type
    if item.status == "canceled":
        return item.status
    return " ".join(item.flags or ()) or ("uncertain" if item.uncertain else "")


def _ndjson(items: Iterable[ItemOut], out: TextIO) -> None:
    for item in items:
        out.write(item.model_dump_json(exclude_none=True) + "\n")


def _json(items: Iterable[ItemOut], out: TextIO) -> None:
    separator = "[\n"
    for item in items:
        out.write(separator + item.model_dump_json(exclude_none=True))
        separator = ",\n"
    out.write("\n]\n" if separator != "[\n" else "[]\n")


def _csv(items: Iterable[ItemOut], out: TextIO) -> None:
    rows = csv.writer(out)
    rows.writerow(COLUMNS)
    rows.writerows(cells(item.model_dump()) for item in items)


_WRITERS: dict[Format, Callable[[Iterable[ItemOut], TextIO], None]] = {
    "table": _table,
    "json": _json,
    "ndjson": _ndjson,
    "csv": _csv,
}
