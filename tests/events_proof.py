"""`make events-proof`: 1,000 event streams on one gateway that is killed in the middle.

Not a pytest test, since it takes a minute. It exits with 1 unless every stream reports every event of
its job once, in order, and the gateway stays within its memory.
"""

import asyncio
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
import psutil
import redis
from rich.console import Console
from rich.table import Table

from api.edge.descriptors import room_for
from worker.ledger import keys

from jobs import posted
from samples import glyphs, npy_of
from services import Services, lone_gateway
from streams import Follower, follow_into, open_streams

STREAMS, JOBS, CHUNKS, CHUNK_IMAGES = 1_000, 100, 20, 32
WORKERS = 2
MODEL = "digits"
MOST_MB = 300
MOST_S = 600
console = Console(width=100)


@dataclass
class Watch:
    """The gateways' memory, MB: before there was a stream, the most, and the most streams at once."""

    idle: float = 0.0
    most: float = 0.0
    streams: int = 0
    cpu_s: float = 0.0
    killed_at: int = 0
    over: threading.Event = field(default_factory=threading.Event)


def main() -> None:
    """Start, submit, follow, kill, judge."""
    room_for(2 * STREAMS)
    settings = {"CHUNK_GLYPHS": CHUNK_IMAGES, "MODELS": MODEL, "MAX_STREAMS": STREAMS}
    environment = {f"INKQUEUE_{name}": str(value) for name, value in settings.items()}
    with tempfile.TemporaryDirectory() as folder, lone_gateway(Path(folder), **environment) as own:
        jobs = submit_all(own)
        followers = [Follower() for _ in range(STREAMS)]
        followed = [jobs[number % JOBS] for number in range(STREAMS)]
        watch = Watch(idle=memory_mb(own))
        began = time.monotonic()
        with watched(own, followers, watch):
            asyncio.run(follow_into(own.url, followed, followers, MOST_S))
        took = time.monotonic() - began
        wanted = [ids_of(own, job) for job in jobs]
    console.print(table(followers, watch, took))
    if found := faults(followers, wanted, watch):
        sys.exit("\n".join(found))


def submit_all(services: Services) -> list[str]:
    """The ids of jobs for which there is no worker yet."""
    array = npy_of(np.tile(glyphs(CHUNK_IMAGES, np.random.default_rng(0)), (CHUNKS, 1, 1)))
    with httpx.Client(base_url=services.url, timeout=60) as http:
        return [posted(http, array, "application/x-npy", model=MODEL) for _ in range(JOBS)]


@contextmanager
def watched(services: Services, followers: list[Follower], watch: Watch) -> Iterator[None]:
    """Meanwhile measure, and direct what happens to gateway and workers."""
    with ThreadPoolExecutor(2) as pool:
        meanwhile = [
            pool.submit(measure, services, watch),
            pool.submit(direct, services, followers, watch),
        ]
        try:
            yield
        finally:
            watch.over.set()
            for each in meanwhile:
                each.result()


def measure(services: Services, watch: Watch) -> None:
    """The most memory of any gateway."""
    while not watch.over.wait(0.1):
        try:
            watch.most = max(watch.most, memory_mb(services))
        except psutil.NoSuchProcess:
            continue


def direct(services: Services, followers: list[Follower], watch: Watch) -> None:
    """Start workers once all streams are open; kill and restart the gateway half-way."""
    with httpx.Client(base_url=services.url, timeout=60) as http:
        while open_streams(http) < STREAMS and not watch.over.wait(0.2):
            pass
        watch.streams = int(open_streams(http))
    for _ in range(WORKERS):
        services.spawn("worker")
    half = STREAMS * (CHUNKS + 1) // 2
    while sum(len(follower.ids) for follower in followers) < half and not watch.over.wait(0.05):
        pass
    watch.killed_at = sum(len(follower.ids) for follower in followers)
    gateway = services.processes[0]
    watch.cpu_s = sum(psutil.Process(gateway.pid).cpu_times()[:2])
    gateway.kill()
    gateway.wait()
    services.processes[0] = services.spawn("api")
    services.processes.pop()


def memory_mb(services: Services) -> float:
    """Resident memory of the gateway."""
    return float(psutil.Process(services.processes[0].pid).memory_info().rss) / 2**20


def ids_of(services: Services, job: str) -> list[str]:
    """The ids in the job's stream in the ledger."""
    with redis.Redis.from_url(services.redis_url) as client:
        entries = client.xrange(f"{keys.job(keys.job_name('anonymous', job))}:events")
    return [event_id.decode() for event_id, _ in entries]


def table(followers: list[Follower], watch: Watch, took: float) -> Table:
    """What happened, in numbers."""
    shown = Table("what", "figure", title=f"{STREAMS:,} streams, {JOBS} jobs of {CHUNKS} chunks")
    shown.add_row("streams open at once", f"{watch.streams:,}")
    shown.add_row("the gateway's resident memory before", f"{watch.idle:.0f} MB")
    shown.add_row("the most, of both gateways", f"{watch.most:.0f} MB")
    shown.add_row("events told, each with an id", f"{sum(len(each.ids) for each in followers):,}")
    shown.add_row("told when the gateway was killed", f"{watch.killed_at:,}")
    shown.add_row("streams cut by that and resumed", f"{sum(each.cuts > 0 for each in followers):,}")
    shown.add_row("CPU of the first gateway until then", f"{watch.cpu_s:.1f} s")
    shown.add_row("in all", f"{took:.1f} s")
    return shown


def faults(followers: list[Follower], wanted: list[list[str]], watch: Watch) -> list[str]:
    """Every check that failed; empty if all is well."""
    images = list(range(CHUNKS * CHUNK_IMAGES))
    checks = {
        "not all streams were open at once": watch.streams == STREAMS,
        "a job has other events than its chunks and its end": all(
            len(ids) == CHUNKS + 1 for ids in wanted
        ),
        "a stream left out, repeated or confused events": all(
            follower.ids == wanted[number % JOBS] for number, follower in enumerate(followers)
        ),
        "a stream has not one result an image": all(sorted(each.images) == images for each in followers),
        "the gateway was not killed in the middle": 0 < watch.killed_at < STREAMS * (CHUNKS + 1),
        "the kill cut nobody off": any(each.cuts for each in followers),
        f"the gateway took more than {MOST_MB} MB": watch.most <= MOST_MB,
    }
    return [fault for fault, well in checks.items() if not well]


if __name__ == "__main__":
    main()
