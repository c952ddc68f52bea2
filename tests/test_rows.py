"""Rows of CSV: what people wrote is no formula to who opens them in a spreadsheet."""

from typing import Any

import pytest

from api.csv_rows import COLUMNS, cells


def row(**item: Any) -> dict[str, Any]:
    return dict(zip(COLUMNS, cells(item), strict=True))


@pytest.mark.parametrize("column", ["name", "correction", "text"])
@pytest.mark.parametrize("text", ["=cmd|' /c calc'!A1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_what_begins_as_a_formula_is_a_text(column: str, text: str) -> None:
    assert row(**{column: text})[column] == f"'{text}"


@pytest.mark.parametrize("value", ["7", "-", "a=b", "ABC 47\nHKE", "", None])
def test_everything_else_stays_as_it_is(value: str | None) -> None:
    item = row(index=3, label=value, correction=value, text=value, confidence=-0.5, uncertain=True)
    assert [item["label"], item["correction"], item["text"]] == [value] * 3
    assert (item["index"], item["confidence"], item["uncertain"]) == (3, -0.5, True)
