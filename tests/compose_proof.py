"""`make compose-proof`: 10,000 images through the workers of compose, one of them killed half-way.

Not a pytest test, since it needs the stack up (docker compose up --build --scale worker=3). It exits
with 1 unless every image has exactly one result, and equal images have equal ones.
"""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
import numpy as np
from rich.console import Console
from rich.table import Table

from jobs import ended, posted, results_of
from metrics import figures
from samples import LABELS, pngs, zip_of
from services import Services
from waiting import until

IMAGES = 10_000
DISTINCT = 500
DEADLINE_S = 120.0
URL = os.environ.get("INKQUEUE_URL", "http://127.0.0.1:8000")
HEADERS = {"X-API-Key": os.environ.get("INKQUEUE_API_KEY", "")}
Json = dict[str, Any]
console = Console(width=100)


@dataclass(frozen=True)
class Kill:
    """Which container was killed, when, its exit code, and how many images were done then."""

    container: str
    at: float
    exit_code: str
    done: int


def main() -> None:
    """Submit, kill, wait, print, judge."""
    workers = docker("compose", "ps", "-q", "worker").split()
    if len(workers) < 2:
        sys.exit("first: docker compose up --build --scale worker=3")
    with gateway() as http:
        before = counters(http)
        job_id = submit(http)
        until(lambda: read(http, job_id) >= IMAGES // 2, DEADLINE_S)
        half = read(http, job_id)
        docker("kill", victim := workers[0])
        try:
            killed = Kill(victim, time.time(), docker("wait", victim), half)
            job, results, counted = ended(http, job_id), results_of(http, job_id), counters(http)
        finally:
            docker("start", victim)
    counted.subtract(before)
    console.print(ledger(job, results, counted, killed, len(workers)))
    for fault in (wrong := faults(job, results, counted, killed)):
        console.print(f"[red]wrong:[/] {fault}")
    sys.exit(bool(wrong))


def docker(*words: str) -> str:
    """What a docker command prints. Raises CalledProcessError."""
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout.strip()


@contextmanager
def gateway() -> Iterator[httpx.Client]:
    """The gateway, once it is ready: `up -d` returns before it is."""
    with httpx.Client(base_url=URL, timeout=70, headers=HEADERS) as http:
        Services("", URL, {}).wait_ready()
        yield http


def submit(http: httpx.Client) -> str:
    """The id of a job of IMAGES PNGs in one ZIP, DISTINCT of them different."""
    drawn = pngs(DISTINCT, np.random.default_rng(7))
    archive = zip_of({f"{number}.png": drawn[number % DISTINCT] for number in range(IMAGES)})
    return posted(http, archive, "application/zip")


def read(http: httpx.Client, job_id: str) -> int:
    """How many images of a job are read."""
    return int(http.get(f"/v1/jobs/{job_id}").json()["counts"]["succeeded"])


def counters(http: httpx.Client) -> Counter[str]:
    """The ledger's own counters, from /metrics."""
    counted = {name: int(value) for name, value in figures(http).items() if name.endswith("_total")}
    return Counter({name.removeprefix("inkqueue_"): value for name, value in counted.items()})


def when(job: Json, field: str) -> float:
    """A time of the job, in seconds since 1970."""
    return datetime.fromisoformat(job[field]).timestamp()


def as_drawn(results: list[Json]) -> int:
    """How many images are read as the character that was drawn."""
    return sum(each.get("label") == LABELS[each["index"] % DISTINCT % len(LABELS)] for each in results)


def ledger(job: Json, results: list[Json], counted: Counter[str], killed: Kill, workers: int) -> Table:
    """What happened, as a table."""
    table = Table("what", "figure", title=f"{IMAGES:,} images, {workers} workers, one killed half-way")
    name = docker("inspect", "-f", "{{.Name}}", killed.container).lstrip("/")
    whole = when(job, "ended_at") - when(job, "created_at")
    table.add_row("from acceptance to end", f"{whole:.2f} s, {IMAGES / whole:,.0f} images/s")
    table.add_row("killed", f"{name}, exit code {killed.exit_code}, after {killed.done:,} images")
    table.add_row("from the kill to the end", f"{when(job, 'ended_at') - killed.at:.2f} s")
    table.add_row("results", f"{len(results):,} of {len({each['index'] for each in results}):,} images")
    table.add_row("read as drawn", f"{as_drawn(results):,}")
    for counter in ("images_succeeded", "chunks_reclaimed", "commits_duplicate", "commits_different"):
        table.add_row(counter.replace("_", " "), f"{counted[f'{counter}_total']:,}")
    return table


def faults(job: Json, results: list[Json], counted: Counter[str], killed: Kill) -> list[str]:
    """Every check that failed; empty if all is well."""
    labels: list[set[str | None]] = [set() for _ in range(DISTINCT)]
    for each in results:
        labels[each["index"] % DISTINCT].add(each.get("label"))
    checks = {
        "the job did not succeed": job["state"] == "succeeded",
        "the job was over before the kill": when(job, "ended_at") > killed.at,
        "the worker was not killed": killed.exit_code == "137",
        "not exactly one result an image": [each["index"] for each in results] == list(range(IMAGES)),
        "names went astray": all(each["name"] == f"{each['index']}.png" for each in results),
        "some images failed": all(each["status"] == "succeeded" for each in results),
        "equal images have different labels": all(len(each) == 1 for each in labels),
        "most images are read as something else": as_drawn(results) > IMAGES / 2,
        "the ledger counted an image twice or never": counted["images_succeeded_total"] == IMAGES,
        "a second result differed from the first": not counted["commits_different_total"],
    }
    return [fault for fault, well in checks.items() if not well]


if __name__ == "__main__":
    main()
