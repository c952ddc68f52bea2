"""A table of text: on the terminal, or as Markdown for a README."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

WIDE = 1000
"""A row is one line, however narrow the terminal, so that tables can be piped on."""

UNITS = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True)
class TextTable:
    """`columns` by name, the first flush left, the rest flush right; `notes` stand below."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def show(self, console: Console) -> None:
        """Print it for a person."""
        table = Table(title=self.title, title_justify="left", box=SIMPLE_HEAD)
        for number, column in enumerate(self.columns):
            table.add_column(column, justify="right" if number else "left", no_wrap=True)
        for row in self.rows:
            table.add_row(*row)
        table.width = console.measure(table, options=console.options.update_width(WIDE)).maximum
        console.print(table, crop=False, no_wrap=True, soft_wrap=True)
        for note in self.notes:
            console.print(note, soft_wrap=True, markup=False, highlight=False)

    def markdown(self) -> str:
        """The table in Markdown, its notes as paragraphs."""
        rule = ["---", *["---:"] * (len(self.columns) - 1)]
        lines = ["| " + " | ".join(map(_cell, row)) + " |" for row in (self.columns, rule, *self.rows)]
        return "\n".join([*lines, *(f"\n{note}" for note in self.notes)]) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def percent(share: float, digits: int = 2) -> str:
    """0.892 -> '89.20 %'; a dash for what is not a number."""
    return "-" if isnan(share) else f"{100 * share:.{digits}f} %"


def short(number: float) -> str:
    """Three figures: 9956 -> '9,956', 216055 -> '216 k', 14700000 -> '14.7 M'."""
    if number < 1e4:
        return f"{number:,.0f}"
    rounded = float(f"{number:.3g}")
    size, unit = next(each for each in UNITS if rounded >= each[0])
    return f"{rounded / size:#.3g}".rstrip(".") + f" {unit}"
