"""Kaggle's form: a line is a label and 784 pixels; with or without a header; .csv, .csv.gz or zipped.

OpenML's form has the label at the end, as its header or the lines themselves say.
"""

import gzip
import io
import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import IO, TextIO

import numpy as np

from model.glyph import SIDE
from model.terminal import notes

from ..data import Array, BadData, Set
from .arrays import to_pixels
from .meaning import Meaning, class_of, make_set
from .members import DAMAGED, has_suffix, is_meant

PIXELS = SIDE * SIDE
DECIMAL = re.compile(r"-?\d*\.?\d+(?:[eE][+-]?\d+)?")

HEAD = 100
"""How many lines are looked at to tell whether labels that are characters stand last."""

LABEL, INK = ("label", "U8"), ("pixels", np.uint8, (PIXELS,))
LABEL_FIRST, LABEL_LAST = np.dtype([LABEL, INK]), np.dtype([INK, LABEL])


def read_table(path: Path, meaning: Meaning) -> Set:
    """Every line of a CSV; pixels are 0..255, or all 0 or 1. Raises BadData naming the line."""
    form = LABEL_FIRST
    try:
        with _open(path) as lines, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # about an empty file, which is refused below
            body, form = _body(lines)
            rows = np.loadtxt(body, form, delimiter=",", comments=None, quotechar='"', ndmin=1)
    except BadData:
        raise
    except DAMAGED as error:
        fault = _fault(path, form) if type(error) is ValueError else ""  # numpy's
        raise BadData(f"{path}: {fault or error}") from error
    labels, pixels = rows["label"], rows["pixels"]
    if _is_corner(labels) and _are_classes(pixels[:, -1], meaning):
        notes.print(f"{path}: the labels are the last fields of its lines", markup=False)
        labels, pixels = pixels[:, -1], np.column_stack([labels.astype(np.uint8), pixels[:, :-1]])
    return make_set(path, to_pixels(path, pixels), labels, meaning)


def _is_corner(fields: Iterable[str]) -> bool:
    """Whether the first fields of lines may be a corner of every image: all of the colour of paper."""
    return set(fields) in ({"0"}, {"255"})


def _are_classes(fields: Array, meaning: Meaning) -> bool:
    """Whether the last fields of lines are numbers of classes, and not all of the same."""
    found = np.unique(fields)
    return len(found) > 1 and all(class_of(str(each), meaning) is not None for each in found)


@contextmanager
def _open(path: Path) -> Iterator[TextIO]:
    """The text, unpacked as it is read; spreadsheets put a byte order mark before it."""
    with ExitStack() as stack:
        if path.suffix.lower() == ".zip":
            archive = stack.enter_context(zipfile.ZipFile(path))
            packed: IO[bytes] | gzip.GzipFile = stack.enter_context(
                archive.open(_only_table(path, archive))
            )
        else:
            file = stack.enter_context(path.open("rb"))
            packed = gzip.GzipFile(fileobj=file) if path.suffix.lower() == ".gz" else file
        yield stack.enter_context(io.TextIOWrapper(packed, encoding="utf-8-sig"))


def _only_table(path: Path, archive: zipfile.ZipFile) -> str:
    members = filter(is_meant, archive.infolist())
    tables = [each.filename for each in members if has_suffix(each, (".csv",))]
    if len(tables) != 1:
        found = f"{len(tables)} ({', '.join(tables)})" if tables else "none"
        raise BadData(f"{path}: one CSV is wanted in it, or images; tables found: {found}")
    return tables[0]


def _body(lines: TextIO) -> tuple[Iterator[str], np.dtype[np.void]]:
    """The lines without the header, if there is one, and the form of a line."""
    head = list(islice(lines, HEAD))
    body = head[1:] if head and _is_header(head[0]) else head
    firsts = [_plain(line.split(",")[0]) for line in body if line.strip()]
    may_be_last = len(body) < len(head) or _is_corner(firsts)
    is_last = may_be_last and any(map(_ends_with_label, head))
    return chain(body, lines), LABEL_LAST if is_last else LABEL_FIRST


def _is_header(line: str) -> bool:
    """Whether most pixels are not whole numbers: `pixel0`, `1x1`, or `0.17`, which is how pandas tells
    columns of the same name apart; decimals that occur twice are pixels."""
    pixels = [_plain(pixel) for pixel in line.split(",")[1:]]
    if sum(not pixel.isdecimal() for pixel in pixels) * 2 <= len(pixels):
        return False
    return len(set(pixels)) == len(pixels) or not all(map(DECIMAL.fullmatch, pixels))


def _ends_with_label(line: str) -> bool:
    """Whether the last field is a label (`A`) or names the labels (`class`): it has no number, as pixels
    and their names do."""
    first, last = (_plain(line.split(",")[at]) for at in (0, -1))
    return bool(last and re.search(r"\d", first)) and not re.search(r"\d", last)


def _fault(path: Path, form: np.dtype[np.void]) -> str:
    """What is wrong with the first faulty line; empty if there is none."""
    begin = 0 if form == LABEL_LAST else 1  # where pixels begin in a line
    with _open(path) as lines:
        for number, line in enumerate(lines, 1):
            fields = line.split(",")
            if not line.strip() or (number == 1 and _is_header(line)):
                continue
            if len(fields) != 1 + PIXELS:
                return f"line {number} has {len(fields)} fields; a label and {PIXELS} pixels are wanted"
            for place, field in enumerate(map(_plain, fields[begin:][:PIXELS]), begin + 1):
                if not field.isdecimal() or int(field[:4]) > 255:
                    fault = f"line {number}, field {place}: {field!r} is no whole number from 0 to 255"
                    return f"{fault}; decimals are not read" if "." in field else fault
    return ""


def _plain(field: str) -> str:
    return field.strip(' "\r\n')
