"""A case of the corpus: what is sent to a gateway, and what must come back."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from .stage import Stage

Ask = Callable[[Stage], str]
"""Puts one question and says what came: a status with the type of the problem, or what became of it."""

Row = tuple[Ask, str] | tuple[Ask, str, float]
Table = Mapping[str, Mapping[str, Row]]
"""By line and name: what to ask, what must come, and what it may cost if that is more than SPENT_S."""

SPENT_S = 1.0
"""What an answer may cost our processes, in seconds of CPU; a busy machine does not change it."""

WAITED_S = 20.0
"""What it may take, on however busy a machine."""


@dataclass(frozen=True)
class Case:
    """One question. `line` is what it is an example of."""

    group: str
    line: str
    name: str
    ask: Ask = field(repr=False)
    expected: str
    spends_s: float = SPENT_S
    waits_s: float = WAITED_S

    def __str__(self) -> str:
        return f"{self.group}: {self.line}: {self.name}"


def cases(group: str, table: Table) -> Iterator[Case]:
    """Those of a table."""
    for line, asked in table.items():
        for name, (ask, *more) in asked.items():
            yield Case(group, line, name, ask, *more)  # type: ignore[arg-type]
