"""A case of the corpus: a request to a gateway, and the answer that must come."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from .stage import Stage

Ask = Callable[[Stage], str]
"""Asks once and returns the outcome: a status with the type of the problem, or what else was found."""

Row = tuple[Ask, str] | tuple[Ask, str, float]
Table = Mapping[str, Mapping[str, Row]]
"""By line and name: what to ask, the expected outcome, and its cost if it may be more than SPENT_S."""

SPENT_S = 1.0
"""The CPU time (s) that an answer may cost our processes, which hardly depends on other load."""

WAITED_S = 20.0
"""The time (s) that an answer may take, however busy the machine is."""


@dataclass(frozen=True)
class Case:
    """One request and its expected outcome. `line` is the threat that it is an example of."""

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
    """The cases of a table."""
    for line, asked in table.items():
        for name, (ask, *more) in asked.items():
            yield Case(group, line, name, ask, *more)  # type: ignore[arg-type]
