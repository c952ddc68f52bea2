"""`make siege`: an honest client's waits, alone and among 500 sockets that trickle or do not read.

Not a pytest test, since it judges milliseconds. It exits with 1 unless the honest client's 99th
percentile stays within 100 ms, every answer is right, and every besieging socket is cut off in time.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

import httpx
import numpy as np
from rich.console import Console
from rich.table import Table

from samples import pngs
from services import Services, lone_gateway

SOCKETS = int(os.environ.get("SIEGE_SOCKETS", "500"))
SECONDS = float(os.environ.get("SIEGE_SECONDS", "75"))
MOST_MS = 100.0
UNREAD = 200_000
LIVES_S = {"head": 10.0, "body": 15.0, "unread": 60.0}
"""How long the default settings grant: an answer that is not read has at most two times 30 s."""

SLACK_S = 2.0
console = Console(width=100)
Waits = dict[str, list[float]]


def honest(url: str, seconds: float) -> Waits:
    """Waiting times in seconds by kind of request, on a kept connection and on fresh ones."""
    waits: Waits = {"new connection": [], "kept connection": [], "job of one PNG": []}
    data = pngs(1, np.random.default_rng(7))[0]
    end = time.monotonic() + seconds
    with httpx.Client(base_url=url, timeout=30) as kept:
        while time.monotonic() < end:
            with httpx.Client(base_url=url, timeout=30, verify=False) as fresh:
                waits["new connection"].append(_timed(fresh, "GET", "/v1/models", 200))
            waits["kept connection"].append(_timed(kept, "GET", "/v1/models", 200))
            waits["job of one PNG"].append(_timed(kept, "POST", "/v1/jobs", 202, data))
            time.sleep(0.02)
    return waits


def percentile(waits: list[float], share: float) -> float:
    """A percentile of waits, in milliseconds."""
    return float(np.percentile(waits, share)) * 1000


def besieged(services: Services, sockets: int, seconds: float) -> tuple[Waits, dict[str, list[float]]]:
    """An honest client's waits among besiegers; by kind of besieger, how many were cut off, how late."""
    script = Path(__file__).parent / "besiegers.py"
    command = [sys.executable, str(script), large(services.url), str(sockets), str(seconds + 2)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as besiegers:
        assert besiegers.stdout is not None
        assert besiegers.stdout.readline() == b"standing\n"
        time.sleep(1)
        waits = honest(services.url, seconds)
        out, _ = besiegers.communicate(timeout=60)
    return waits, json.loads(out)


def large(url: str) -> str:
    """The address of an answer that fits no buffer: an image, kept as it was sent."""
    data, kind = pngs(1, np.random.default_rng(7))[0] + bytes(UNREAD), {"Content-Type": "image/png"}
    with httpx.Client(base_url=url, timeout=30) as http:
        job = http.post("/v1/jobs?keep_images=1", content=data, headers=kind).raise_for_status().json()
        path = f"/v1/jobs/{job['id']}/items/0/image"
        assert len(http.get(path).content) > UNREAD
        return url + path


def main() -> None:
    """Measure, print, judge."""
    with tempfile.TemporaryDirectory() as folder, lone_gateway(Path(folder)) as services:
        alone = honest(services.url, 10)
        waits, cuts = besieged(services, SOCKETS, SECONDS)
    console.print(f"{SOCKETS} sockets for {SECONDS:.0f} s, {datetime.now():%Y-%m-%d %H:%M}")
    console.print(_waits_table(alone, waits))
    table = Table("besiegers", "cut off", "longest life, s", "granted, s")
    for kind, (count, longest) in cuts.items():
        table.add_row(kind, f"{count:,.0f}", f"{longest:.1f}", f"{LIVES_S[kind]:.0f}")
    console.print(table)
    everything = [wait for each in waits.values() for wait in each]
    good = percentile(everything, 99) <= MOST_MS and all(
        count and longest <= LIVES_S[kind] + SLACK_S
        for kind, (count, longest) in cuts.items()
        if LIVES_S[kind] + SLACK_S < SECONDS
    )
    console.print("held" if good else "[red]fallen")
    sys.exit(not good)


def _waits_table(alone: Waits, waits: Waits) -> Table:
    table = Table("honest client", "requests", "p50 alone", "p99 alone", "p50", "p99", "slowest, ms")
    for what, each in waits.items():
        figures = [percentile(alone[what], 50), percentile(alone[what], 99)]
        figures += [percentile(each, share) for share in (50, 99, 100)]
        table.add_row(what, f"{len(each):,}", *(f"{figure:.1f}" for figure in figures))
    return table


def _timed(http: httpx.Client, method: str, path: str, status: int, data: bytes | None = None) -> float:
    start = time.perf_counter()
    headers = {"Content-Type": "image/png"} if data else {}
    answer = http.request(method, path, content=data, headers=headers)
    assert answer.status_code == status, answer.text
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
