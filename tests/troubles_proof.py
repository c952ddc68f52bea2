"""`python tests/troubles_proof.py [SCALE]`: troubles with Redis, short and long, while a job is read.

Prints a row for each; exits with 1 if a promise is broken. SCALE multiplies how long they last.
"""

import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from chaos.harms import Harm, fill_disk, fill_memory, kill_redis, swallow, take_descriptors
from chaos.onlookers import REFUSED
from chaos.troubles import Trouble, running_patient

DIRECT: list[tuple[Harm, float, float]] = [
    *((kill_redis, lasting, 5.0) for lasting in (0.5, 2, 10, 30, 75)),
    *((fill_disk, lasting, 5.0) for lasting in (0, 10)),
    *((fill_memory, lasting, 5.0) for lasting in (2, 20)),
    *((take_descriptors, lasting, 5.0) for lasting in (2, 20)),
]
LINKED: list[tuple[Harm, float, float]] = [(swallow, lasting, 10.0) for lasting in (2, 10, 30, 75)]
"""What is done, for how many seconds, and within how many after its end the first commit must come."""


def main() -> None:
    """Cause all troubles, one after the other, without restarting gateway or worker."""
    scale = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    table = Table("trouble", "lasted", "first commit after", "503s", "slowest answer", "broken")
    broken = []
    for linked, troubles in ((False, DIRECT), (True, LINKED)):
        with (
            tempfile.TemporaryDirectory() as folder,
            running_patient(Path(folder), linked=linked) as patient,
        ):
            for harm, lasting, within_s in troubles:
                trouble = harm(patient, lasting * scale)
                wrong = broken_by(trouble, within_s)
                broken += [f"{harm.__name__}, {lasting * scale:g} s: {line}" for line in wrong]
                figures = (f"{trouble.first_commit_s:.2f} s", str(trouble.refused))
                slowest = f"{trouble.slowest_s:.2f} s"
                name = (harm.__doc__ or "").partition(".")[0]
                table.add_row(name, f"{lasting * scale:g} s", *figures, slowest, str(len(wrong)))
    console = Console(width=140)
    console.print(table)
    for line in broken:
        console.print(line, markup=False)
    sys.exit(bool(broken))


def broken_by(trouble: Trouble, within_s: float) -> list[str]:
    """Every promise that was not kept."""
    wrong = [*trouble.violations]
    wrong += [f"unplanned: {status} {kind}" for status, kind in trouble.unplanned if kind != REFUSED]
    if trouble.first_commit_s > within_s:
        wrong.append(f"late: the first commit came after {trouble.first_commit_s:.1f} s")
    return wrong


if __name__ == "__main__":
    main()
