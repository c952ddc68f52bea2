"""The corpus as a table with a row for each group, and what was wrong."""

from collections import Counter
from collections.abc import Iterator, Sequence

from .running import Run

HEAD = ("group", "cases", "lines", "answers", "slowest", "dearest")


def rows(runs: Sequence[Run]) -> Iterator[tuple[str, ...]]:
    """By group: cases, lines, the count of each status, the slowest case, and the one with most CPU."""
    for group in dict.fromkeys(run.case.group for run in runs):
        yield _row(group, [run for run in runs if run.case.group == group])
    yield _row("all", runs)


def wrong(run: Run, slack: float = 1.0) -> str | None:
    """What was wrong with an answer, if anything; it may cost `slack` times the CPU time of its case."""
    if run.outcome != run.case.expected:
        return f"{run.case}: {run.outcome!r}, not {run.case.expected!r}"
    if run.spent_s >= slack * run.case.spends_s:
        return f"{run.case}: it cost {run.spent_s:.2f} s of CPU"
    if run.waited_s >= run.case.waits_s:
        return f"{run.case}: it took {run.waited_s:.2f} s"
    return None


def _row(group: str, runs: Sequence[Run]) -> tuple[str, ...]:
    kinds = Counter(_kind(run.outcome) for run in runs)
    slowest, dearest = max(runs, key=lambda run: run.waited_s), max(runs, key=lambda run: run.spent_s)
    return (
        group,
        str(len(runs)),
        str(len({run.case.line for run in runs})),
        ", ".join(f"{count} x {kind}" for kind, count in sorted(kinds.items())),
        f"{slowest.waited_s:.2f} s: {slowest.case.name}",
        f"{dearest.spent_s:.2f} s: {dearest.case.name}",
    )


def _kind(outcome: str) -> str:
    """The status of an outcome, or `other` if it is not a status."""
    status = outcome.split()[0].strip(",")
    return status if len(status) == 3 and status.isdecimal() else "other"
