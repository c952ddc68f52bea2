"""`make soak`: a million images while workers, gateways, senders and Redis are killed over and over.

Doorbells are lost and doubled; links are cut, turned into black holes, and delayed. It prints what was
done and what came of it, and exits with 1 if an invariant is broken. A --seed fixes the schedule.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from chaos.campaign import Ledger, run
from chaos.notes import Notes
from chaos.schedule import Intensity
from chaos.stage import Cast
from chaos.stock import Quota
from chaos.storm import Terms, Toll

WORKER_KILL_S = 3.0
"""Seconds between kills of workers, by the clock of the schedule; a restart takes about as long."""

LINE_S = 10.0

console = Console(width=110)


@dataclass
class Bar:
    """Shows the progress of a campaign: as a bar on a terminal, in a log as a line every LINE_S."""

    progress: Progress
    task: TaskID
    told_at: float = -LINE_S

    def __call__(self, toll: Toll, quota: Quota, notes: Notes) -> None:
        kills = " ".join(f"{toll.strikes[kind]} {kind}" for kind in ("worker", "redis", "gateway"))
        told = f"{len(notes.accepted):,} jobs, killed: {kills}"
        self.progress.update(self.task, completed=quota.taken, told=told)
        elapsed = self.progress.tasks[self.task].elapsed or 0.0
        if not console.is_terminal and elapsed >= self.told_at + LINE_S:
            self.told_at = elapsed
            console.print(f"{elapsed:.0f} s: {quota.taken:,} images sent, {told}", soft_wrap=True)


def main(
    images: Annotated[int, typer.Option(help="sent by all clients together")] = 1_000_000,
    seed: Annotated[int, typer.Option(help="of the schedule and of what clients send")] = 1,
    workers: int = 3,
    gateways: int = 2,
    clients: int = 6,
    worker_kills: Annotated[int, typer.Option(help="at least; upkeep dies with each")] = 300,
    redis_kills: Annotated[int, typer.Option(help="at least")] = 60,
    gateway_kills: Annotated[int, typer.Option(help="at least; upkeep dies with each")] = 40,
    sender_kills: Annotated[int, typer.Option(help="at least; upkeep dies with each")] = 30,
    link_faults: Annotated[int, typer.Option(help="about so many")] = 200,
    model: str = "digits",
    lease_ms: int = 5_000,
    limit_s: Annotated[float, typer.Option(help="after so long under fire it is lost")] = 3_000.0,
    json_file: Annotated[Path | None, typer.Option("--json", help="the figures, too")] = None,
) -> None:
    """Run a campaign, print its ledger and the verdict."""
    intensity = Intensity(
        span=worker_kills * WORKER_KILL_S,
        workers=worker_kills,
        redis=redis_kills,
        gateways=gateway_kills,
        senders=sender_kills,
        blackouts=redis_kills // 12,
        links=link_faults,
        bells=link_faults,
    )
    bulk = (1_000, max(2_000, min(10_000, images // 50)))
    cast = Cast(workers, gateways, model, lease_ms)
    terms = Terms(seed, images, clients, cast, intensity, bulk, limit_s)
    columns = (TextColumn("{task.percentage:>3.0f} %"), BarColumn(), TextColumn("{task.fields[told]}"))
    hidden = not console.is_terminal
    with Progress(*columns, TimeElapsedColumn(), console=console, disable=hidden) as progress:
        ledger = run(terms, Bar(progress, progress.add_task("", total=images, told="the quiet run")))
    show(ledger)
    if json_file:
        json_file.write_text(json.dumps({**ledger.figures, "broken": ledger.broken}, indent=1) + "\n")
    sys.exit(bool(ledger.broken))


def show(ledger: Ledger) -> None:
    """The ledger of the campaign and the verdict, for people."""
    table = Table("what", "figure", title="what was done, and what came of it")
    for what, figure in ledger.figures.items():
        if isinstance(figure, dict):
            figure = "\n".join(f"{count:,} {name}" for name, count in figure.items()) or "none"
        table.add_row(what, f"{figure:,}" if isinstance(figure, int) else str(figure))
    console.print(table)
    for line in ledger.broken:
        console.print(line, style="red", markup=False)
    verdict = f"{len(ledger.broken)} violations" if ledger.broken else "nothing is broken"
    console.print(f"verdict: {verdict}", style="bold")


if __name__ == "__main__":
    typer.run(main)
