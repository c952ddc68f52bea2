"""Images that are sent one by one, over several connections at once: alone, and beside a large job."""

import json
import struct
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from .loads import Load
from services import Services

CONNECTIONS = 20
"""Connections for the singles beside a large job."""


@dataclass(frozen=True)
class Singles:
    """Answers a second, percentiles of their times (ms), and the load generator's share of a core."""

    connections: int
    rate: float
    p50: float
    p95: float
    p99: float
    generator: float


@dataclass(frozen=True)
class Beside:
    """Singles beside a large job, and whether the job went on until their end."""

    found: Singles
    all_along: bool


def measure(services: Services, files: Sequence[bytes], connections: int, seconds: float) -> Singles:
    """Measure with a load generator in a process of its own."""
    url = httpx.URL(services.url)
    arguments = [url.host, str(url.port), str(connections), str(seconds)]
    done = subprocess.run(
        [sys.executable, "-m", "bench.generator", *arguments],
        input=b"".join(struct.pack("<I", len(file)) + file for file in files),
        stdout=subprocess.PIPE,
        check=True,
    )
    said = json.loads(done.stdout)
    times = sorted(1000 * each for each in said["times"])
    cuts = (times[min(len(times) - 1, int(part * len(times)))] for part in (0.5, 0.95, 0.99))
    return Singles(connections, said["rate"], *cuts, said["cpu"])


def beside(services: Services, load: Load, files: Sequence[bytes], seconds: float) -> Beside:
    """Measure singles for `seconds` while a large job is read; cancel it in the end."""
    with httpx.Client(base_url=services.url, timeout=600) as http:
        headers = {"Content-Type": load.kind}
        job = http.post("/v1/jobs", content=load.content, headers=headers).json()["id"]
        found = measure(services, files, CONNECTIONS, seconds)
        state = http.get(f"/v1/jobs/{job}").json()["state"]
        http.post(f"/v1/jobs/{job}/cancel")
        return Beside(found, state in ("queued", "running"))
