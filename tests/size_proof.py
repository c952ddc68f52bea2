"""`make size`: one job of a million images: the gateway stays small, Redis gives back what it took.

It exits with 1 unless every image has one result, equal images have equal ones, and memory stays within
bounds. `--images N` changes its size. The rates of its first and last tenth are printed, but not judged,
since machines are noisy.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
import orjson
import psutil
from rich.console import Console
from rich.table import Table

from bench.costs import used_by_redis
from samples import glyphs, idx_of
from services import Services, running_services
from waiting import meanwhile

DIFFERENT = 1000
"""Distinct images; the job repeats them over and over."""

PIXELS = 28 * 28
WORKERS = 2
MOST_GATEWAY_MB, MOST_REDIS, MOST_LEFT_MB = 64.0, 1.3, 8.0
"""Growth of the gateway; Redis at its peak, as a multiple of the pixels; what Redis keeps in the end."""

console = Console(width=100)


@dataclass
class Seen:
    """Bytes in Redis and in the gateway, before and at most; `read` has images done by time (s)."""

    redis_before: int = 0
    redis_most: int = 0
    redis_after: int = 0
    gateway_before: int = 0
    gateway_most: int = 0
    read: list[tuple[float, int]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def tenth(self, number: int, images: int) -> float:
        """Images a second while tenth `number` (0 to 9) of the job was read."""
        times = np.interp([images * number / 10, images * (number + 1) / 10], *self._progress)
        return images / 10 / float(times[1] - times[0])

    @property
    def _progress(self) -> tuple[list[int], list[float]]:
        return [done for _, done in self.read], [when for when, _ in self.read]


def prove(images: int) -> Seen:
    """Send the job, wait for it, read it back, let it expire."""
    seen = Seen()
    settings = {"INKQUEUE_MODELS": "digits", "INKQUEUE_LOG_LEVEL": "warning"}
    with tempfile.TemporaryDirectory() as folder, running_services(Path(folder), **settings) as own:
        for part in ("api", *["worker"] * WORKERS):
            own.spawn(part)
        own.wait_ready(WORKERS)
        with watched(own, seen), httpx.Client(base_url=own.url, timeout=600) as http:
            expires = time.monotonic() + (life := 60 + images // 3000)
            job = send(http, images, life, seen)
            follow(http, job, seen)
            read_back(http, job, images, seen)
        console.print(f"waiting {expires - time.monotonic():.0f} s for it to expire")
        seen.redis_after = floor(own, expires + 30)
    return seen


@contextmanager
def watched(own: Services, seen: Seen) -> Iterator[None]:
    """Meanwhile note the most memory that Redis and the gateway use."""
    gateway = psutil.Process(own.processes[0].pid)
    seen.redis_before = seen.redis_most = used_by_redis(own)
    seen.gateway_before = seen.gateway_most = gateway.memory_info().rss

    def look() -> None:
        seen.redis_most = max(seen.redis_most, used_by_redis(own))
        seen.gateway_most = max(seen.gateway_most, gateway.memory_info().rss)

    with meanwhile(look, 0.1):
        yield


def body(images: int) -> Iterator[bytes]:
    """An IDX file as a stream: it is never whole in memory here."""
    some = glyphs(DIFFERENT, np.random.default_rng(0))
    head = idx_of(some[:0], compressed=False)
    yield head[:4] + images.to_bytes(4, "big") + head[8:]
    for start in range(0, images, DIFFERENT):
        yield some[: images - start].tobytes()


def send(http: httpx.Client, images: int, life: int, seen: Seen) -> str:
    """The id of the job."""
    began = time.monotonic()
    headers = {"Content-Type": "application/octet-stream", "Content-Length": str(16 + images * PIXELS)}
    query = {"model": "digits", "expires_in": life}
    answer = http.post("/v1/jobs", params=query, headers=headers, content=body(images))
    seen.seconds["sent and stored"] = time.monotonic() - began
    return str(answer.raise_for_status().json()["id"])


def follow(http: httpx.Client, job: str, seen: Seen) -> None:
    """Wait until the job has ended, and note its progress."""
    began = time.monotonic()
    while True:
        found = http.get(f"/v1/jobs/{job}").json()
        seen.read.append((time.monotonic(), found["counts"]["succeeded"]))
        if found["state"] not in ("queued", "running"):
            break
        time.sleep(0.2)
    seen.seconds["then read by the network"] = time.monotonic() - began


def read_back(http: httpx.Client, job: str, images: int, seen: Seen) -> None:
    """Check that every image has one result, in order, and equal images have equal labels."""
    began, lines, labels = time.monotonic(), 0, list[str]()
    with http.stream("GET", f"/v1/jobs/{job}/results?format=ndjson") as answer:
        for lines, line in enumerate(answer.iter_lines(), 1):
            if lines > 2 * DIFFERENT and lines % 997:
                continue  # to parse a million lines would take longer than to make them
            row = orjson.loads(line)
            labels += [row["label"]] * (lines <= DIFFERENT)
            if row["index"] != lines - 1 or row["label"] != labels[(lines - 1) % DIFFERENT]:
                seen.broken.append(f"line {lines} says {row}")
    if lines != images:
        seen.broken.append(f"{lines:,} results of {images:,} images")
    seen.seconds["results read"] = time.monotonic() - began


def floor(own: Services, until: float) -> int:
    """The fewest bytes in Redis until then, by when the job has expired."""
    least = used_by_redis(own)
    while time.monotonic() < until:
        time.sleep(1)
        least = min(least, used_by_redis(own))
    return least


def faults(seen: Seen, images: int) -> list[str]:
    """Every check that failed; empty if all is well."""
    pixels = images * PIXELS
    grown = (seen.gateway_most - seen.gateway_before) / 2**20
    peak, left = seen.redis_most - seen.redis_before, seen.redis_after - seen.redis_before
    checks = {
        f"the gateway grew by {grown:.0f} MB": grown <= MOST_GATEWAY_MB,
        f"Redis held {peak / pixels:.2f} times the pixels": peak <= MOST_REDIS * pixels,
        f"Redis keeps {left / 2**20:.0f} MB in the end": left / 2**20 <= MOST_LEFT_MB,
    }
    return [fault for fault, well in checks.items() if not well] + seen.broken[:10]


def table(seen: Seen, images: int) -> Table:
    """What happened, in numbers."""
    pixels = images * PIXELS
    shown = Table(
        "what", "figure", title=f"a job of {images:,} images, {pixels / 2**20:,.0f} MB of pixels"
    )
    for what, seconds in seen.seconds.items():
        shown.add_row(what, f"{seconds:,.1f} s, {images / seconds:,.0f} images/s")
    first, last = seen.tenth(0, images), seen.tenth(9, images)
    shown.add_row(
        "first and last tenth", f"{first:,.0f} and {last:,.0f} images/s ({last / first - 1:+.1%})"
    )
    before, most = seen.gateway_before / 2**20, seen.gateway_most / 2**20
    shown.add_row("gateway before, at most", f"{before:.0f}, {most:.0f} MB")
    peak, left = seen.redis_most - seen.redis_before, seen.redis_after - seen.redis_before
    shown.add_row("Redis at most", f"{peak / 2**20:,.0f} MB, {peak / pixels:.2f} times the pixels")
    shown.add_row("Redis after it expired", f"{left / 2**20:+,.1f} MB")
    return shown


def main() -> None:
    """Prove, print, judge."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--images", type=int, default=1_000_000)
    images = options.parse_args().images
    seen = prove(images)
    console.print(table(seen, images))
    if found := faults(seen, images):
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
