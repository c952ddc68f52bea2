"""The chapter on speed: what it saves to train several networks at once, or by several processes.

It is measured once, after everything else is trained; the figures stay in the study's folder.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from ..run import write_json
from ..sets.data import Split
from ..tables import TextTable
from .chapter import Chapter, Scale
from .timing import NETWORKS, WAYS, Timing, measure

INTRODUCTION = (
    f"The same {NETWORKS} small networks are trained three ways on equally many images: one after "
    "another; at once, their weights stacked and each layer run for all by one call (torch.func.vmap); "
    "and one after another by several processes. Each process has one thread. A network ends with "
    "the same weights whichever way, up to rounding."
)


def speed(split: Split, folder: Path, scale: Scale, processes: int) -> Chapter:
    """The chapter; `folder`/speed.json keeps what was measured."""
    path = folder / "speed.json"
    if not path.exists():
        write_json(path, [vars(each) for each in measure(split, scale, processes)])
    return tell([Timing(**each) for each in json.loads(path.read_text())])


def tell(timings: Sequence[Timing]) -> Chapter:
    """The chapter on what was measured."""
    columns = (
        "",
        "way",
        "processor s a network",
        "wall s a network",
        "img/s",
        "against one after another",
    )
    rows, findings = [], []
    for alone, stacked, pooled in zip(*[iter(timings)] * len(WAYS), strict=True):
        for each in (alone, stacked, pooled):
            gain = f"{alone.clock / each.clock:.2f}x"
            pace = f"{each.images / each.clock:,.0f}"
            rows.append(
                (each.example, each.way, f"{each.processor:.3f}", f"{each.clock:.3f}", pace, gain)
            )
        findings.append(_finding(alone, stacked, pooled))
    return Chapter(
        "Speed", INTRODUCTION, findings, [TextTable("Ways to train several", columns, rows)], []
    )


def _finding(alone: Timing, stacked: Timing, pooled: Timing) -> str:
    gain, by_pool = alone.processor / stacked.processor, alone.clock / pooled.clock
    verdict = f"{gain:.1f} times as fast" if gain > 1 else f"{gain:.2f} times as fast"
    used = f"The study trained such networks {'at once' if stacked.pays else 'singly'}"
    if stacked.pays != (gain > 1):
        used += " all the same: their size and batch decide that, not what was measured here"
    return (
        f"{alone.example}: {NETWORKS} at once were {verdict} by processor time as one after another; "
        f"processes were {by_pool:.1f} times as fast by the clock. {used}."
    )
