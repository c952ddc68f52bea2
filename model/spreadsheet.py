"""Cells of CSV that no spreadsheet takes for a formula: for the gateway's results and local ones."""

from collections.abc import Iterable
from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a text begins with that spreadsheets take for a formula (OWASP, CSV Injection)."""


def harmless(cells: Iterable[Any]) -> list[Any]:
    """The cells, those that look like a formula marked as text. A sign alone may be a label."""
    return [f"'{each}" if _is_formula(each) else each for each in cells]


def _is_formula(cell: Any) -> bool:
    return isinstance(cell, str) and len(cell) > 1 and cell.startswith(FORMULA)
