"""CSV cells that no spreadsheet takes for a formula, in the gateway's results and in local ones."""

from collections.abc import Iterable
from typing import Any

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How texts begin that spreadsheets take for formulas (OWASP, CSV Injection)."""


def harmless(cells: Iterable[Any]) -> list[Any]:
    """The cells, with those that look like formulas marked as text, except a single sign: a label."""
    return [f"'{each}" if _is_formula(each) else each for each in cells]


def _is_formula(cell: Any) -> bool:
    return isinstance(cell, str) and len(cell) > 1 and cell.startswith(FORMULA)
