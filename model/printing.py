"""Scans written to stdout as they are read: as text, NDJSON or CSV."""

import csv
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Literal

from .scans import Scan
from .spreadsheet import harmless

Format = Literal["text", "ndjson", "csv"]

COLUMNS = ("path", "label", "confidence", "uncertain", "flags", "text")


def writer(format: Format, several: bool) -> Callable[[Scan], object]:
    """A function that writes a scan; with `several`, each text stands below the name of its file."""
    out = sys.stdout
    if format == "csv":
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow(COLUMNS)
        return lambda scan: rows.writerow(_cells(scan))
    if format == "ndjson":
        return lambda scan: out.write(json.dumps(_object(scan)) + "\n")
    return lambda scan: out.write(_text(scan, several))


def _cells(scan: Scan) -> list[object]:
    flags = " ".join(scan.flags)
    return harmless([scan.path, scan.label, scan.confidence, scan.uncertain, flags, scan.text])


def _object(scan: Scan) -> dict[str, object]:
    """A scan as data for JSON, with text and lines only if it has them."""
    whole = asdict(scan)
    return whole if scan.lines is not None else {key: whole[key] for key in COLUMNS[:-1]}


def _text(scan: Scan, several: bool) -> str:
    if scan.text is None:
        return f"{scan.label}\t{scan.path}\n"
    return f"==> {scan.path} <==\n{scan.text}\n" if several else f"{scan.text}\n"
