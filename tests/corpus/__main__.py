"""`make corpus`: every case, and a table of the answers. Exits with 1 if anything was wrong."""

import sys

from rich.console import Console
from rich.table import Table

from .every import CASES
from .running import run
from .stage import Stage
from .standing import watched
from .table import HEAD, rows, wrong
from services import logged_services

CONSOLE = Console(width=160)


def main() -> int:
    """Run, print, judge."""
    with (
        logged_services() as (services, folder),
        Stage(services, folder) as stage,
        watched(stage) as standing,
    ):
        runs = [run(case, stage) for case in CASES]
        faults = [*filter(None, map(wrong, runs)), *standing.faults()]
        grown = standing.grown
    table = Table(*HEAD)
    for row in rows(runs):
        table.add_row(*row)
    CONSOLE.print(table)
    CONSOLE.print(f"the gateway grew by {grown >> 20} MB at most")
    CONSOLE.print("\n".join(faults) or "every answer is as it should be, and everyone lives")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
