"""`inkqueue demo`: the whole service for one sheet of drawn characters, leaving nothing behind."""

import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.columns import Columns
from rich.console import Console
from rich.table import Table

from worker.embedded import NoRedis, free_port
from worker.ledger.jobs import JobState

from ..client import Client
from ..schemas.jobs import ItemOut, JobOut
from ..stack.stack import Stack, on_stop
from .console import Refusal, notes
from .progress import bar
from .readiness import address, wait_ready

MODEL = "balanced"
COLUMN = 16
READY_S = 120.0
ENOUGH = 0.6
"""The share of the drawings that any working network reads right; chance is 0.02."""


@dataclass
class DemoResult:
    """How the demonstration went."""

    drawn: str
    job: JobOut
    items: list[ItemOut]
    first_s: float

    @property
    def right(self) -> int:
        """How many drawings were read correctly."""
        return sum(item.label == label for label, item in zip(self.drawn, self.items, strict=True))

    @property
    def job_s(self) -> float:
        """Seconds from the job's acceptance to its end."""
        return ((self.job.ended_at or self.job.created_at) - self.job.created_at).total_seconds()


def demo(
    seed: Annotated[int, typer.Option(help="another seed draws other characters")] = 1,
) -> None:
    """Start everything, read a sheet of drawn characters over HTTP, stop everything."""
    on_stop(_leave)
    with tempfile.TemporaryDirectory(prefix="inkqueue-demo-") as folder:
        result = _run(Path(folder), seed)
    _show(result)
    if result.job.state is not JobState.SUCCEEDED or result.right < ENOUGH * len(result.drawn):
        raise Refusal(f"the job {result.job.state}, and only {result.right} drawings were read right")


def _leave(number: int, frame: object) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # it comes twice, from the terminal and from the shell
    sys.exit(128 + number)


def _run(folder: Path, seed: int) -> DemoResult:
    began = time.monotonic()
    with _running(folder / "data") as url, Client(url) as client:
        notes.print(f"ready after {time.monotonic() - began:.1f} s at {url}: Redis, a gateway, a worker")
        labels = next(model.labels for model in client.models() if model.name == MODEL)
        _draw(labels, folder / "sheet", seed)
        job = client.submit(folder / "sheet", model=MODEL)
        notes.print(f"sent {len(labels)} drawings over HTTP as one ZIP: {job.id}")
        items: list[ItemOut] = []
        first_s = 0.0
        with bar(len(labels)) as show:
            for item in client.results(job):
                first_s = first_s or time.monotonic() - began
                items.append(item)
                show(len(items), "reading")
        return DemoResult(labels, client.wait(job), items, first_s)


@contextmanager
def _running(data: Path) -> Iterator[str]:
    """Run a stack of its own, whatever the environment says; yields its address."""
    for name in [name for name in os.environ if name == "REDIS_URL" or name.startswith("INKQUEUE_")]:
        del os.environ[name]
    stack = Stack("127.0.0.1", free_port(), 1, data, log_level="warning")
    try:
        with notes.status("starting Redis, a gateway and a worker"):
            stack.start()
            end = time.monotonic() + READY_S
            if not wait_ready(stack, lambda: bool(_ended(stack)) or time.monotonic() > end):
                why = f"{_ended(stack)} ended" if _ended(stack) else f"not ready in {READY_S:.0f} s"
                raise Refusal(f"{why}; see the messages above")
        yield address(stack)
    except NoRedis as error:
        raise Refusal(str(error)) from error
    finally:
        stack.stop()


def _ended(stack: Stack) -> str:
    """The children that have exited."""
    gone = [each for each in stack.children if each.process and each.process.poll() is not None]
    return ", ".join(each.name for each in gone)


def _draw(labels: str, folder: Path, seed: int) -> None:
    import numpy as np

    from model.drawn import draw
    from model.files.images import png

    rng = np.random.default_rng(seed)
    folder.mkdir()
    for number, label in enumerate(labels):
        (folder / f"{number:02}.png").write_bytes(png(draw(label, rng)))


def _show(result: DemoResult) -> None:
    """Print a table of what was read, and a summary."""
    out = Console(highlight=False, soft_wrap=True)
    rows = list(zip(result.drawn, result.items, strict=True))
    tables = [_table(rows[start : start + COLUMN]) for start in range(0, len(rows), COLUMN)]
    out.print(Columns(tables, padding=(0, 4)))
    unsure = [item.label == label for label, item in rows if item.uncertain]
    out.print(
        f"\n{result.right} of {len(rows)} read right;"
        f" {len(unsure)} marked uncertain (?), {unsure.count(False)} of these wrong.\n"
        f"First result {result.first_s:.1f} s after the stack was started;"
        f" the job itself took {result.job_s:.2f} s.\n"
        "These characters were drawn by the program, not by hand: they show that everything works,\n"
        "not how well handwriting is read (`inkqueue models` says that)."
    )


def _table(rows: list[tuple[str, ItemOut]]) -> Table:
    table = Table("drawn", "read", "confidence", box=None, pad_edge=False)
    for label, item in rows:
        confidence = f"{item.confidence:.3f}" if item.confidence is not None else "failed"
        mark = " ?" if item.uncertain else ""
        table.add_row(label, item.label, confidence + mark, style="" if item.label == label else "red")
    return table
