"""A result as a row of CSV, for the gateway and the command alike."""

from collections.abc import Mapping
from typing import Any

from model.spreadsheet import harmless

PLAIN = ("index", "name", "status", "label", "confidence", "uncertain")
COLUMNS = (*PLAIN, "top_k", "error", "correction", "flags", "text")
"""New columns come last, so that readers of the old ones need no change."""


def cells(item: Mapping[str, Any]) -> list[Any]:
    """The cells of an ItemOut, given as plain data."""
    likely = " ".join(f"{each['label']}:{each['p']:.4f}" for each in item.get("top_k") or ())
    error = (item.get("error") or {}).get("type")
    flags = " ".join(item.get("flags") or ())
    plain = [item.get(column) for column in PLAIN]
    return harmless([*plain, likely, error, item.get("correction"), flags, item.get("text")])
