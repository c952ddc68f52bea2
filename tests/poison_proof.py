"""`make poison`: 100,000 images, without and with 100 among them that kill the process decoding them.

Not a pytest test, since it takes minutes: all killers must be found and no other image be hurt, at 80 %
of the speed or more. What the sandbox costs is printed, too. `--images 5000` makes it smaller.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
import psutil
from rich.console import Console
from rich.table import Table

from api.client import Client
from api.schemas.jobs import ItemOut, JobOut
from model.files.images import decode
from model.ink.normalization import to_glyph
from worker.decoding.wire import Encoded

from killers import ENVIRONMENT, REASONS, armed, decoding
from samples import pngs, zip_of
from services import Services, running_services

WORKERS = 2
KILLERS_PER_THOUSAND = 1
DIFFERENT_IMAGES = 2000
LEAST_RATIO = 0.80
MOST_DELIVERIES = 4
SETTINGS = ENVIRONMENT | {"INKQUEUE_LOG": "json", "INKQUEUE_LEASE_MS": "5000"}

Killers = Mapping[int, str]
"""The kind of failpoint in each killer, by the killer's index."""


@dataclass(frozen=True)
class Run:
    """A job that has ended, and what it took."""

    items: Sequence[ItemOut]
    seconds: float
    processor_s: float
    killers: Killers

    @property
    def rate(self) -> float:
        """Images a second from acceptance to the end."""
        return len(self.items) / self.seconds


def main() -> None:
    """Run the proof, print its figures, judge."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=100_000)
    images = parser.parse_args().images
    rng = np.random.default_rng(7)
    drawn = pngs(DIFFERENT_IMAGES, rng)
    files = [drawn[number % len(drawn)] for number in range(images)]
    places = rng.choice(images, max(len(REASONS), images * KILLERS_PER_THOUSAND // 1000), replace=False)
    kinds = list(REASONS)
    killers = {int(place): kinds[number % len(kinds)] for number, place in enumerate(sorted(places))}
    table = Table("what", "figure", title=f"{images:,} PNGs in a ZIP, {len(killers)} of them killers")
    with (
        tempfile.TemporaryDirectory() as folder,
        running_services(Path(folder), **SETTINGS) as services,
    ):
        faults = prove(services, Path(folder), files, killers, table)
    cost(drawn, table)
    Console(width=110).print(table)
    sys.exit("; ".join(faults) or 0)


def prove(
    services: Services, folder: Path, files: list[bytes], killers: Killers, table: Table
) -> list[str]:
    """Run both jobs on one stack, the quiet one before and after; return what is wrong."""
    log = folder / "workers.log"
    began = time.monotonic()
    with log.open("ab") as lines:
        services.spawn("api", lines)
        workers = [services.spawn("worker", lines) for _ in range(WORKERS)]
    services.wait_ready(WORKERS)
    table.add_row("start of gateway and workers", f"{time.monotonic() - began:.1f} s")
    jobs: tuple[Killers, ...] = ({}, killers, {})
    before, deadly, after = (run(services.url, workers, files, each) for each in jobs)
    alive = [worker.poll() is None for worker in workers]
    told = list(map(orjson.loads, log.read_bytes().splitlines()))
    quiet = (before.rate + after.rate) / 2
    report(table, before, deadly, after, told)
    return verdict(before, deadly, deliveries(told), alive, deadly.rate / quiet)


def run(
    url: str, workers: Sequence["subprocess.Popen[bytes]"], files: Sequence[bytes], killers: Killers
) -> Run:
    """Run a job of `files`, with those at the indices in `killers` armed."""
    mixed = {
        f"{place:06}.png": armed(file, killers[place]) if place in killers else file
        for place, file in enumerate(files)
    }
    archive, before = zip_of(mixed), processor_seconds(workers)
    with Client(url) as client:
        job: JobOut = client.wait(client.submit(archive), timeout=3600)
        assert job.ended_at is not None
        seconds = (job.ended_at - job.created_at).total_seconds()
        spent = processor_seconds(workers) - before
        return Run(list(client.results(job)), seconds, spent, killers)


def processor_seconds(workers: Sequence["subprocess.Popen[bytes]"]) -> float:
    """Processor time of the workers, their fork servers and all their decoders, dead ones included."""
    family = [psutil.Process(worker.pid) for worker in workers]
    family += [child for each in family for child in each.children(recursive=True)]
    return sum(sum(each.cpu_times()[:4]) for each in family)


def deliveries(told: Sequence[Mapping[str, object]]) -> Counter[int]:
    """How many chunks were committed at their first, second, ... delivery, by the workers' logs."""
    done = [line for line in told if line.get("event") == "chunk.committed"]
    return Counter(int(str(line["delivery"])) for line in done)


def report(
    table: Table, before: Run, deadly: Run, after: Run, told: Sequence[Mapping[str, object]]
) -> None:
    """Add the figures of the jobs to the table."""
    for name, each in (("quiet, before", before), ("with killers", deadly), ("quiet, after", after)):
        words = f"{each.rate:,.0f} images/s, {each.seconds:.1f} s, {each.processor_s:.1f} s of CPU"
        table.add_row(name, words)
    found = {item.index: item.error.detail or "" for item in deadly.items if item.error}
    table.add_row("killers found", f"{len(deadly.killers.keys() & found.keys())}")
    table.add_row("others failed", f"{len(found.keys() - deadly.killers.keys())}")
    for detail, count in sorted(Counter(found.values()).items()):
        table.add_row("", f"{count} x {detail}")
    lost = sum(line.get("event") == "decoder.lost" for line in told)
    table.add_row("decoders lost and replaced", f"{lost}")
    histogram = ", ".join(f"{count} at delivery {n}" for n, count in sorted(deliveries(told).items()))
    table.add_row("chunks of all three jobs committed", histogram)
    ratio = deadly.rate / ((before.rate + after.rate) / 2)
    table.add_row("speed with killers, of that without", f"{ratio:.2f}")
    ratio = (before.processor_s + after.processor_s) / 2 / deadly.processor_s
    table.add_row("the same by processor time, if others are busy", f"{ratio:.2f}")


def verdict(
    before: Run, deadly: Run, delivered: Counter[int], alive: Sequence[bool], ratio: float
) -> list[str]:
    """What is wrong."""
    others = [
        (was, now)
        for was, now in zip(before.items, deadly.items, strict=True)
        if now.index not in deadly.killers
    ]
    checks = {
        "a killer was not found, or not by what it did": all(
            found(deadly.items[place], kind) for place, kind in deadly.killers.items()
        ),
        "another image failed": not [now for _, now in others if now.error],
        "another image was read differently": all(was.label == now.label for was, now in others),
        "a worker was lost": all(alive),
        f"a chunk took over {MOST_DELIVERIES} deliveries": max(delivered) <= MOST_DELIVERIES,
        f"slower than {LEAST_RATIO:.0%}": ratio >= LEAST_RATIO,
    }
    return [fault for fault, well in checks.items() if not well]


def found(item: ItemOut, kind: str) -> bool:
    """Whether a killer failed for what it did."""
    return item.error is not None and (item.error.detail or "").startswith(REASONS[kind])


def cost(files: Sequence[bytes], table: Table) -> None:
    """Add what the sandbox costs on one core: the same images decoded in this process and in it."""
    asked = [Encoded(file, "emnist") for file in files[:256]]
    began = time.perf_counter()
    with decoding() as decoder:
        table.add_row("start of a fork server and a decoder", f"{time.perf_counter() - began:.2f} s")
        turns = [
            (
                rate(lambda: [to_glyph(decode(each.file), "emnist") for each in asked]),
                rate(lambda: decoder.read(asked)),
            )
            for _ in range(5)
        ]
        here, there = (max(rates) for rates in zip(*turns, strict=True))
        words = f"{there:,.0f} images/s, {there / here:.2f} of {here:,.0f} in the same process"
        table.add_row("decoding and normalizing in the sandbox", words)
        family = psutil.Process().children(recursive=True)
        sizes = [each.memory_full_info().pss / 2**20 for each in family]
        table.add_row(
            "memory (PSS) of fork server, decoder", ", ".join(f"{size:.0f} MB" for size in sizes)
        )


def rate(work: Callable[[], object]) -> float:
    """Images a second of `work`, which reads 256 of them, measured for about a second."""
    began, times = time.perf_counter(), 0
    while (passed := time.perf_counter() - began) < 1:
        work()
        times += 1
    return 256 * times / passed


if __name__ == "__main__":
    main()
