"""Kaggle's form: a line is a label and 784 pixels; with or without a header; .csv, .csv.gz or zipped."""

import gzip
import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, TextIO

import numpy as np

from model.glyph import SIDE

from ..data import BadData, Set
from .arrays import to_pixels
from .meaning import Meaning, make_set

PIXELS = SIDE * SIDE
DAMAGED = (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, UnicodeDecodeError)
"""The errors that unpackers raise; RuntimeError for a password."""

DECIMAL = re.compile(r"-?\d*\.?\d+(?:[eE][+-]?\d+)?")

ROW = np.dtype([("label", "U8"), ("pixels", np.uint8, (PIXELS,))])


def read_table(path: Path, meaning: Meaning) -> Set:
    """Every line of a CSV; pixels are 0..255, or all 0 or 1. Raises BadData naming the line."""
    try:
        with _open(path) as lines, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # about an empty file, which is refused below
            rows = np.loadtxt(_body(lines), ROW, delimiter=",", comments=None, quotechar='"', ndmin=1)
    except BadData:
        raise
    except DAMAGED as error:
        raise BadData(f"{path}: {error}") from error
    except ValueError as error:
        raise BadData(f"{path}: {_fault(path) or error}") from error
    return make_set(path, to_pixels(path, rows["pixels"]), rows["label"], meaning)


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
    names = [name for name in archive.namelist() if name.lower().endswith(".csv")]
    tables = [name for name in names if not name.startswith("__MACOSX/")]
    if len(tables) != 1:
        found = f"{len(tables)} ({', '.join(tables)})" if tables else "none"
        raise BadData(f"{path}: one CSV is wanted in it, or images; tables found: {found}")
    return tables[0]


def _body(lines: TextIO) -> Iterator[str]:
    """The lines without the header, if there is one."""
    first = lines.readline()
    return lines if _is_header(first) else chain([first], lines)


def _is_header(line: str) -> bool:
    """Whether most pixels are not whole numbers: `pixel0`, `1x1`, or `0.17`, which is how pandas tells
    columns of the same name apart; decimals that occur twice are pixels."""
    pixels = [_plain(pixel) for pixel in line.split(",")[1:]]
    if sum(not pixel.isdecimal() for pixel in pixels) * 2 <= len(pixels):
        return False
    return len(set(pixels)) == len(pixels) or not all(map(DECIMAL.fullmatch, pixels))


def _fault(path: Path) -> str:
    """What is wrong with the first faulty line; empty if there is none."""
    with _open(path) as lines:
        for number, line in enumerate(lines, 1):
            fields = line.split(",")
            if not line.strip() or (number == 1 and _is_header(line)):
                continue
            if len(fields) != 1 + PIXELS:
                return f"line {number} has {len(fields)} fields; a label and {PIXELS} pixels are wanted"
            for place, field in enumerate(map(_plain, fields[1:]), 2):
                if not field.isdecimal() or int(field[:4]) > 255:
                    fault = f"line {number}, field {place}: {field!r} is no whole number from 0 to 255"
                    return f"{fault}; decimals are not read" if "." in field else fault
    return ""


def _plain(field: str) -> str:
    return field.strip(' "\r\n')
