"""`make bench`: measure everything, print a table, write JSON if asked.

Rates are also given as ratios to the raw forward pass of the same network in the same run, since
machines differ and are noisy. BENCH=--quick tries it out; BENCH='--device cuda' measures a GPU.
"""

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from . import bulk, costs, forward, loads, normalizer, singles, starting, yardstick
from .forward import Served
from .loads import Load
from .machine import machine
from .record import Record
from .setting import QUICK, THREADS, Setting
from services import Services, running_services

LONG = 5
"""The long job has so many times the images of a bulk job, to outlast the singles beside it."""


IN_FLOAT32 = (loads.ARRAY, loads.PNGS)
"""Loads that are measured in float32, too."""


def main(
    quick: Annotated[bool, typer.Option(help="A minute: does it work?")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1")] = "auto",
    model: Annotated[str, typer.Option(help="The network; s1: see yardstick.py.")] = "balanced",
    out: Annotated[Path | None, typer.Option(help="A file for all of it as JSON.")] = None,
) -> None:
    """Measure, print, write."""
    setting = replace(QUICK if quick else Setting(), device=device, model=model)
    with tempfile.TemporaryDirectory() as folder:
        if model == yardstick.NAME:
            yardstick.write(Path(folder))
            os.environ["INKQUEUE_WEIGHTS"] = folder
        record = measure(setting)
    table = Table(
        "what", "figure", title=", ".join(f"{key} {value}" for key, value in record.machine.items())
    )
    for row in record.rows():
        table.add_row(*row)
    Console().print(table)
    if out:
        out.write_text(json.dumps(asdict(record), indent=1) + "\n")


def measure(setting: Setting) -> Record:
    """Measure everything, with the raw pass before and after."""
    rng = np.random.default_rng(0)
    sent, files = loads.bulk(setting.images, rng), loads.singles(loads.DIFFERENT, rng)
    record = Record(setting, machine(setting), [forward.measure(setting)])
    record.normalized = {kind: normalizer.rate(some) for kind, some in files.items()}
    with _stack(setting, "float32") as services:
        starting.start(services, files["64x64"][0])
        some = [each for each in sent if each.name in IN_FLOAT32]
        record.reference = _bulk(record, services, setting, "float32", some)
    with _stack(setting, "auto") as services:
        record.start_s = starting.start(services, files["64x64"][0])
        record.memory["ready"] = costs.memory(costs.processes(services))
        first, *others = sent
        record.bulk = _bulk(record, services, setting, "auto", [first])
        record.memory[f"after {first.name}"] = costs.memory(costs.processes(services))
        record.bulk += _bulk(record, services, setting, "auto", others)
        for kind, some in files.items():
            record.singles[kind] = [
                singles.measure(services, some, count, setting.seconds) for count in setting.connections
            ]
        long = loads.array(LONG * setting.images, rng)
        record.beside = singles.beside(services, long, files["64x64"], setting.seconds / 2)
        record.recovery_s = starting.recovery(services, setting.model)
        record.memory["at the end"] = costs.memory(costs.processes(services))
    record.raw.append(forward.measure(setting))
    return record


@contextmanager
def _stack(setting: Setting, precision: Served) -> Iterator[Services]:
    """Redis, and the settings of a gateway and workers that are not started yet."""
    settings = {
        "INKQUEUE_LEASE_MS": str(starting.LEASE_MS),
        "INKQUEUE_DEVICE": setting.device,
        "INKQUEUE_PRECISION": precision,
        "INKQUEUE_THREADS": str(THREADS),
        "OMP_NUM_THREADS": str(THREADS),
        "INKQUEUE_LOG_LEVEL": "warning",  # as `inkqueue up` has it
    }
    with (
        tempfile.TemporaryDirectory() as folder,
        running_services(Path(folder), **settings) as services,
    ):
        yield services


def _bulk(
    record: Record, services: Services, setting: Setting, precision: Served, sent: Sequence[Load]
) -> list[bulk.Bulk]:
    raw = record.raw[0][precision]
    return [bulk.best(services, each, setting.images, setting.repeats, raw) for each in sent]


if __name__ == "__main__":
    typer.run(main)
