"""An item of results as a row of CSV, for the gateway and the command alike."""

from collections.abc import Mapping
from typing import Any

PLAIN = ("index", "name", "status", "label", "confidence", "uncertain")
COLUMNS = (*PLAIN, "top_k", "error", "correction", "flags", "text")
"""New ones come last: readers of the old ones go on as they are."""

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a text begins with that spreadsheets take for a formula (OWASP, CSV Injection)."""


def cells(item: Mapping[str, Any]) -> list[Any]:
    """The cells of an ItemOut as plain data; what people wrote is text to a spreadsheet, too."""
    likely = " ".join(f"{each['label']}:{each['p']:.4f}" for each in item.get("top_k") or ())
    error = (item.get("error") or {}).get("type")
    flags = " ".join(item.get("flags") or ())
    plain = [item.get(column) for column in PLAIN]
    whole = [*plain, likely, error, item.get("correction"), flags, item.get("text")]
    return [f"'{each}" if _is_formula(each) else each for each in whole]


def _is_formula(cell: Any) -> bool:
    """A sign alone, which may be a label, is none."""
    return isinstance(cell, str) and len(cell) > 1 and cell.startswith(FORMULA)
