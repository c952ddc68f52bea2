"""An item of results as a row of CSV, for the gateway and the command alike."""

from collections.abc import Mapping
from typing import Any

COLUMNS = ("index", "name", "status", "label", "confidence", "uncertain", "top_k", "error", "correction")


def cells(item: Mapping[str, Any]) -> list[Any]:
    """The cells of an ItemOut as plain data."""
    likely = " ".join(f"{each['label']}:{each['p']:.4f}" for each in item.get("top_k") or ())
    error = (item.get("error") or {}).get("type")
    plain = [item.get(column) for column in COLUMNS[:6]]
    return [*plain, likely, error, item.get("correction")]
