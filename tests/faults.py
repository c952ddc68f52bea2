"""`python tests/faults.py`: every command to Redis in the whole life of a few jobs, failed in every way.

Prints a row for each command, and every violation with its case; exits with 1 if there is any.
`--sample N --seed S` tries only N cases; `--only TEXT` those whose description contains the text.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from chaos.cases import Loop, Outcome
from chaos.faults import Cut, Hang
from chaos.rig import running_rig
from receivers import running_receiver
from samples import pngs
from services import running_redis


def main() -> None:
    """Run the cases and print the outcomes; exit with 1 if anything was violated."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sample", type=int)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--only", default="")
    given = options.parse_args()
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_redis(Path(folder)) as url,
        running_rig(url) as rig,
        running_receiver() as listener,
    ):
        loop = Loop(rig, listener, pngs(4, np.random.default_rng(given.seed)))
        cases = [case for case in loop.cases() if given.only in str(case)]
        if given.sample is not None:
            cases = random.Random(given.seed).sample(cases, min(given.sample, len(cases)))
        outcomes = [loop.run(case) for case in track(cases, console=Console(stderr=True))]
    show(outcomes, time.monotonic() - began)
    sys.exit(any(each.violations for each in outcomes))


def show(outcomes: Iterable[Outcome], seconds: float) -> None:
    """The table, then what was violated."""
    table = Table("process", "command", "cut", "hung", "refused", "not reached", "violations")
    rows: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for each in outcomes:
        rows[each.case.process, each.case.name].append(each)
    for (process, name), row in rows.items():
        table.add_row(process, name, *map(str, _figures(row)))
    everything = [each for row in rows.values() for each in row]
    table.add_section()
    table.add_row("all", f"{len(everything)} cases in {seconds:.0f} s", *map(str, _figures(everything)))
    console = Console(width=120)
    console.print(table)
    for each in everything:
        for line in each.violations:
            console.print(f"{each.case}: {line}", markup=False)


def _figures(row: list[Outcome]) -> tuple[int, int, int, int, int]:
    struck = [each for each in row if each.struck]
    cut = sum(isinstance(each.case.fault, Cut) for each in struck)
    hung = sum(isinstance(each.case.fault, Hang) for each in struck)
    broken = sum(bool(each.violations) for each in row)
    return cut, hung, len(struck) - cut - hung, len(row) - len(struck), broken


if __name__ == "__main__":
    main()
