"""How fast trials are trained one after another, at once as a stack, and by processes: measured, told.

Measured once, after everything else is trained; what was measured stays in the study's folder.
"""

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import wait
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from ..run import write_json
from ..sets.data import Split
from ..tables import Sheet
from .chapter import Chapter, Scale
from .cohort import train
from .cohorts import together
from .pool import Pool
from .trial import Trial

NETWORKS = 8
SHARE = 0.02
"""Of the scale's images, those that each network is shown."""

WAYS = ("one after another", "at once", "by processes")

INTRODUCTION = (
    f"The same {NETWORKS} small networks are trained three ways on as many images: one after another; at "
    "once, their weights stacked and every layer run for all of them by one call (torch.func.vmap); and "
    "one after another by several processes. Each process has one thread. A network ends with the same "
    "weights whichever way, up to rounding."
)


@dataclass(frozen=True)
class Timing:
    """Seconds for a network, and images a second of all: by the processor (0 where unknown), by the clock."""

    example: str
    way: str
    processor: float
    clock: float
    images: int
    pays: bool


def speed(split: Split, folder: Path, scale: Scale, processes: int) -> Chapter:
    """The chapter; `folder`/speed.json keeps what was measured."""
    path = folder / "speed.json"
    if not path.exists():
        write_json(path, [vars(each) for each in measure(split, scale, processes)])
    return tell([Timing(**each) for each in json.loads(path.read_text())])


def examples(classes: int, images: int) -> dict[str, Trial]:
    """What is measured, by what it is called."""
    perceptron = {"kind": "perceptron", "hidden": [128, 128], "classes": classes}
    convolutions = {"kind": "convolutions", "widths": [16, 32], "kernel": 3, "classes": classes}
    wanted = {"perceptron, batch 32": (perceptron, 32), "perceptron, batch 128": (perceptron, 128)} | {
        f"convolutions, batch {batch}": (convolutions, batch) for batch in (2, 32, 128)
    }
    return {
        name: Trial(
            "speed", name, network, max(batch, images // (64 // batch or 1)), batch, 1e-3, points=1
        )
        for name, (network, batch) in wanted.items()
    }


def measure(split: Split, scale: Scale, processes: int) -> list[Timing]:
    """Every example each way; validated on few images, for that is not what is measured."""
    few = replace(split, validation=split.validation.take(torch.arange(26).numpy()))
    classes, threads = int(split.train.labels.max()) + 1, torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "runs" / "speed"
            wanted = examples(classes, round(SHARE * scale.images))
            return [
                timing
                for name, trial in wanted.items()
                for timing in _measure(name, trial, few, folder, processes)
            ]
    finally:
        torch.set_num_threads(threads)


def _measure(name: str, trial: Trial, split: Split, folder: Path, processes: int) -> list[Timing]:
    members = [replace(trial, seed=seed) for seed in range(NETWORKS)]
    pays = together(trial) > 1

    def one_by_one() -> None:
        for each in members:
            train([each], split, folder / "alone", lambda images: None)

    def timed(way: str, work: Callable[[], object]) -> Timing:
        processor, clock = time.process_time(), time.perf_counter()
        work()
        processor, clock = time.process_time() - processor, time.perf_counter() - clock
        return Timing(name, way, processor / NETWORKS, clock / NETWORKS, trial.images, pays)

    warm = [replace(each, images=trial.batch) for each in members]
    train(warm[:1], split, folder / "warm", lambda images: None)
    train(warm, split, folder / "warm", lambda images: None)
    timings = [
        timed(WAYS[0], one_by_one),
        timed(WAYS[1], lambda: train(members, split, folder / "stacked", lambda images: None)),
    ]
    with Pool(split, folder / "pool", processes) as pool:
        wait([pool.train([each]) for each in warm])  # the processes have started
        by_pool = timed(WAYS[2], lambda: wait([pool.train([each]) for each in members]))
        outcomes = [pool.train([each]).result()[0] for each in members]
    return [*timings, replace(by_pool, processor=sum(each.seconds for each in outcomes) / NETWORKS)]


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
    return Chapter("Speed", INTRODUCTION, findings, [Sheet("Ways to train several", columns, rows)], [])


def _finding(alone: Timing, stacked: Timing, pooled: Timing) -> str:
    gain, by_pool = alone.processor / stacked.processor, alone.clock / pooled.clock
    verdict = f"{gain:.1f} times as fast" if gain > 1 else f"{1 / gain:.1f} times slower"
    used = (
        "The study trained such networks at once." if stacked.pays else "The study trained them singly."
    )
    return (
        f"{alone.example}: {NETWORKS} at once were {verdict} by processor time as one after another; "
        f"processes were {by_pool:.1f} times as fast by the clock. {used}"
    )
