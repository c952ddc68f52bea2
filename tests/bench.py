"""`make bench`: the README's figures, on real processes of this machine. A benchmark, never a test.

Speed is given as a ratio to the raw forward pass of the same network in the same run, since machines
differ and are noisy.
"""

import os
import platform
import statistics
import tempfile
import threading
import time
from multiprocessing import get_context
from pathlib import Path

import httpx
import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from model.images import decode
from model.normalization import to_glyph
from model.opening import open_predictor
from model.scans import MAX_PIXELS
from worker.connection import connect
from worker.ledger import Ledger
from worker.settings import QueueSettings

from conftest import Services, running_services
from ledgers import read_job, submit
from samples import glyphs, npy_of, pngs, zip_of

IMAGES = 20_000
SINGLES = 200
WORKERS = os.cpu_count() or 1
"""Of one thread each, as `inkqueue up` starts them."""

BATCH = 256
LEASE_MS = QueueSettings().lease_ms
console = Console(width=100)


def main() -> None:
    """Measure everything, print one table."""
    rng = np.random.default_rng(0)
    arrays = np.tile(glyphs(1000, rng), (IMAGES // 1000, 1, 1))
    files = pngs(1000, rng)
    archive = zip_of({f"{number}.png": files[number % 1000] for number in range(IMAGES)})
    table = Table("what", "figure", title=machine())
    raw = raw_forward()
    table.add_row(f"raw forward pass, {WORKERS} processes", f"{raw:,.0f} images/s")
    table.add_row("64x64 PNGs to glyphs, one core", f"{normalised(files):,.0f} images/s")
    with (
        tempfile.TemporaryDirectory() as folder,
        running_services(Path(folder), INKQUEUE_LEASE_MS=str(LEASE_MS)) as services,
    ):
        table.add_row(
            "start of gateway and workers to first result", f"{start(services, files[0]):.2f} s"
        )
        for name, content, kind in (
            (".npy", npy_of(arrays), "application/x-npy"),
            ("ZIP of PNGs", archive, "application/zip"),
        ):
            rate = max(bulk(services, content, kind) for _ in range(3))
            table.add_row(
                f"{IMAGES:,} images as {name}, sent to all results read",
                f"{rate:,.0f} images/s, {rate / raw:.2f} of raw",
            )
        alone = singles(services, files, 1)
        table.add_row("one PNG, one connection", percentiles(alone))
        beside = beside_a_large_job(services, npy_of(arrays), files)
        table.add_row(f"{SINGLES} single-image jobs beside {IMAGES:,} images", percentiles(beside))
        lease, took = recovery(services)
        table.add_row(f"a dead worker's chunk, lease {lease:.0f} s, done by another", f"{took:.2f} s")
        for name, size in memory(services).items():
            table.add_row(f"memory (PSS), {name}", f"{size:.0f} MB")
    console.print(table)


def machine() -> str:
    """What this was measured on."""
    model = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    engine = open_predictor("balanced", threads=1).engine
    return f"{os.cpu_count()} cores ({model}), Python {platform.python_version()}, {engine}"


def raw_forward() -> float:
    """Images a second of the network alone, in as many processes as there are workers: the best of 3."""
    with get_context("spawn").Pool(WORKERS) as pool:
        return max(sum(pool.map(raw_rate, range(WORKERS), 1)) for _ in range(3))


def raw_rate(seed: int) -> float:
    """Images a second of one process on one thread, over two seconds."""
    predictor = open_predictor("balanced", device="cpu", threads=1)
    images = glyphs(BATCH, np.random.default_rng(seed))
    predictor.warm_up()
    begin, passes = time.perf_counter(), 0
    while time.perf_counter() - begin < 2:
        predictor.logits(images)
        passes += 1
    return passes * BATCH / (time.perf_counter() - begin)


def normalised(files: list[bytes]) -> float:
    """Files a second that one thread decodes and normalises: by its own time, the best of 5."""
    times = []
    for _ in range(5):
        begin = time.thread_time()
        for file in files:
            to_glyph(decode(file, MAX_PIXELS), "emnist")
        times.append(time.thread_time() - begin)
    return len(files) / min(times)


def start(services: Services, image: bytes) -> float:
    """From nothing but Redis to the first answer."""
    begin = time.perf_counter()
    services.spawn("api")
    for _ in range(WORKERS):
        services.spawn("worker")
    services.wait_ready(WORKERS)
    predict(httpx.Client(base_url=services.url), image)
    return time.perf_counter() - begin


def bulk(services: Services, content: bytes, kind: str) -> float:
    """Images a second from the first byte sent to the last result read."""
    with httpx.Client(base_url=services.url, timeout=120) as http:
        begin = time.perf_counter()
        job = http.post("/v1/jobs", content=content, headers={"Content-Type": kind}).json()["id"]
        while http.get(f"/v1/jobs/{job}?wait=60").json()["state"] in ("queued", "running"):
            pass
        lines = http.get(f"/v1/jobs/{job}/results?format=ndjson").text.count("\n")
        assert lines == IMAGES
        return IMAGES / (time.perf_counter() - begin)


def predict(http: httpx.Client, image: bytes) -> float:
    """Seconds from a PNG to its label."""
    begin = time.perf_counter()
    answer = http.post(
        "/v1/predictions", content=image, headers={"Content-Type": "image/png", "Prefer": "wait=30"}
    )
    assert answer.status_code == 200, answer.text
    return time.perf_counter() - begin


def singles(services: Services, files: list[bytes], clients: int) -> list[float]:
    """The times of SINGLES single-image jobs over `clients` connections at once."""
    times: list[float] = []

    def work() -> None:
        with httpx.Client(base_url=services.url, timeout=60) as http:
            for number in range(SINGLES // clients):
                times.append(predict(http, files[number]))

    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


def beside_a_large_job(services: Services, content: bytes, files: list[bytes]) -> list[float]:
    """The times of single-image jobs while a large job runs from before the first to after the last."""
    with httpx.Client(base_url=services.url, timeout=120) as http:
        headers = {"Content-Type": "application/x-npy"}
        job = http.post("/v1/jobs", content=content, headers=headers).json()["id"]
        times = singles(services, files, 20)
        state = http.get(f"/v1/jobs/{job}").json()["state"]
        if state != "running":
            console.print(f"[yellow]the large job was {state} before the last single one")
        http.get(f"/v1/jobs/{job}?wait=60")
    return times


def recovery(services: Services) -> tuple[float, float]:
    """The lease, and seconds from a claim that is never heard of again to the end of its job."""
    dying = Ledger(connect(services.redis_url), LEASE_MS)
    for attempt in range(50):  # until this claim comes before that of the worker which the job woke
        submit(services.redis_url, f"dying{attempt}", (5,))
        if dying.claim("balanced", 5):
            begin = time.perf_counter()
            while read_job(services.redis_url, f"dying{attempt}").counts.succeeded < 5:
                time.sleep(0.02)
            return LEASE_MS / 1000, time.perf_counter() - begin
    raise RuntimeError("the worker was always quicker")


def percentiles(times: list[float]) -> str:
    """p50 and p99 in milliseconds."""
    cuts = statistics.quantiles(times, n=100)
    return f"p50 {cuts[49] * 1000:.1f} ms, p99 {cuts[98] * 1000:.1f} ms"


def memory(services: Services) -> dict[str, float]:
    """Megabytes of each process, with those it started: what is shared is counted in parts."""
    children = {
        process.cmdline()[-1] if "-m" in process.cmdline() else "redis-server": process
        for process in psutil.Process().children()
    }
    return {
        name: sum(each.memory_full_info().pss for each in (process, *process.children(recursive=True)))
        / 2**20
        for name, process in children.items()
    }


if __name__ == "__main__":
    main()
