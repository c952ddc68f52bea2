"""`make pressure`: ten times as many images as can be read, at two gateways, with 10,000 jobs queued.

It exits with 1 unless the cap of queued images is never exceeded, every refusal is a planned one that
says when to retry, status answers stay quick, the gateways stay small, and all accepted jobs are read.
`--seconds N` and `--jobs N` change its size.
"""

import argparse
import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import httpx
import numpy as np
import psutil
import redis
import redis.asyncio
from rich.console import Console
from rich.table import Table

from model.card import read_cards
from worker.ledger import keys
from worker.ledger.chunks import Chunk, PixelBlock, pack
from worker.ledger.jobs import Options
from worker.ledger.submissions import Submission, Submissions

from chaos.evidence import Accepted, Evidence
from chaos.invariants import violations
from chaos.look import System
from ledgers import LIMITS, on_redis, read_stats, stage
from samples import glyphs, npy_of
from services import Services, beside, lone_gateway
from waiting import looking

FLOW, BACKLOG = "letters", "digits-nano"
"""The network that reads under pressure, and the one whose jobs wait until the pressure is over."""

TIMES = 10
MOST_MS, MOST_MB = 50.0, 64.0
REFUSALS = {(503, "queue-full"), (503, "memory-full"), (429, "too-many-jobs")}
SAMPLE = 100
NPY = {"Content-Type": "application/x-npy"}
console = Console(width=100)


@dataclass(frozen=True)
class Size:
    """How long the pressure lasts, and how many jobs wait meanwhile."""

    seconds: float = 120.0
    jobs: int = 10_000
    room: int = 4000
    """Images that may wait beside these jobs."""


@dataclass
class Outcome:
    """What was seen. `waits` are the seconds that status answers took; `grown_mb` is the most by which a
    gateway grew; `sampled` and `peak` are the most queued images, by samples and by the ledger."""

    cap: int
    rate: float = 0.0
    sent: int = 0
    read: int = 0
    accepted: dict[str, int] = field(default_factory=dict)
    answers: Counter[tuple[int, str, bool]] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    sampled: int = 0
    samples: int = 0
    peak: int = 0
    grown_mb: float = 0.0
    unfinished: int = 0
    broken: list[str] = field(default_factory=list)

    def wait_ms(self, share: float) -> float:
        """A percentile of the waits for a status."""
        return float(np.percentile(self.waits, share)) * 1000 if self.waits else np.inf


def prove(size: Size) -> Outcome:
    """Start the stack, fill the queue, press, have all read, judge."""
    outcome = Outcome(cap=size.jobs + size.room)
    settings = {"MAX_QUEUED": outcome.cap, "MAX_OPEN": 10**6, "MODELS": FLOW, "LOG_LEVEL": "warning"}
    environment = {f"INKQUEUE_{name}": str(value) for name, value in settings.items()}
    with (
        tempfile.TemporaryDirectory() as folder,
        lone_gateway(Path(folder), **environment) as own,
        beside(own) as other,
    ):
        own.spawn("worker")
        own.wait_ready()
        urls = [own.url, other.url]
        outcome.rate = calibrate(urls, size.room // 250, outcome)
        backlog = on_redis(own.redis_url, lambda client: fill(client, size.jobs))
        outcome.accepted |= dict.fromkeys(backlog, 1)
        before = read_stats(own.redis_url)["images_succeeded"]
        with watched(own, urls, list(outcome.accepted), outcome):
            press(urls, outcome, size.seconds)
        outcome.read = read_stats(own.redis_url)["images_succeeded"] - before
        if size.jobs:
            own.environment["INKQUEUE_MODELS"] = BACKLOG
            own.spawn("worker")
        finish(own, urls, outcome)
    return outcome


def calibrate(urls: Sequence[str], jobs: int, outcome: Outcome) -> float:
    """Images a second that are read without pressure. Measuring warms everything up, too."""
    body = npy_of(glyphs(200, np.random.default_rng(0)))
    done = []
    with httpx.Client(timeout=60) as http:
        for number in range(jobs):
            path = f"{urls[number % 2]}/v1/jobs?model={FLOW}"
            job = http.post(path, content=body, headers=NPY).raise_for_status().json()["id"]
            outcome.accepted[job] = 200
        for job in outcome.accepted:
            while (found := http.get(f"{urls[0]}/v1/jobs/{job}?wait=30").json())["ended_at"] is None:
                pass
            done.append(found)
    start = min(datetime.fromisoformat(each["started_at"]) for each in done)
    end = max(datetime.fromisoformat(each["ended_at"]) for each in done)
    return 200 * jobs / (end - start).total_seconds()


async def fill(client: redis.asyncio.Redis, jobs: int) -> list[str]:
    """Submit jobs of one image each, for which there is no worker yet; return their ids."""
    submissions, card = Submissions(client), read_cards()[BACKLOG]
    limits = replace(LIMITS, max_queued=10**9, max_open=10**9, window=6)
    chunk = Chunk(1, pack(PixelBlock(glyphs(1, np.random.default_rng(0)).tobytes())))
    job = Submission("anonymous", "", "bulk", Options(BACKLOG), card.labels, card.sha256, {}, 3600, "")
    turns = asyncio.Semaphore(48)

    async def add(number: int) -> str:
        async with turns:
            name = f"waiting-{number}"
            await stage(submissions, name, [chunk])
            verdict = await submissions.submit(replace(job, id=name), name, [1], limits)
            assert verdict.kind == "new"
            return name

    return await asyncio.gather(*(add(number) for number in range(jobs)))


def press(urls: Sequence[str], outcome: Outcome, seconds: float) -> None:
    """Send more than ten times what can be read, half of it to each gateway."""
    rate = 1.3 * TIMES * outcome.rate / len(urls)
    script = str(Path(__file__).parent / "pressers.py")
    pressers = [
        subprocess.Popen(
            [sys.executable, script, url, str(rate), str(seconds), FLOW], stdout=subprocess.PIPE
        )
        for url in urls
    ]
    for presser in pressers:
        out, _ = presser.communicate(timeout=seconds + 90)
        told = json.loads(out)
        outcome.sent += told["sent"]
        outcome.accepted |= told["accepted"]
        for status, kind, says_when, number in told["answers"]:
            outcome.answers[status, kind, says_when] += number


@contextmanager
def watched(own: Services, urls: Sequence[str], jobs: list[str], outcome: Outcome) -> Iterator[None]:
    """Meanwhile watch the queue and memory, and be an honest client that asks for jobs. An error of
    theirs is part of what is broken."""
    gateways = [(each, each.memory_info().rss) for each in listening(urls)]
    with redis.Redis.from_url(own.redis_url) as client, httpx.Client(timeout=30) as http:
        for url in urls:
            http.get(f"{url}/v1/jobs/{jobs[0]}")
        with (
            looking(lambda: sample(client, outcome), 0.02) as sampled,
            looking(lambda: weigh(gateways, outcome), 0.1) as weighed,
            looking(lambda: ask(http, urls, jobs, outcome), 0.01) as asked,
        ):
            yield
    outcome.broken += [repr(error) for each in (sampled, weighed, asked) if (error := each.exception())]


def listening(urls: Sequence[str]) -> list[psutil.Process]:
    """The processes that listen on the ports of these addresses."""
    ports = {int(url.rpartition(":")[2]) for url in urls}
    found = [
        psutil.Process(each.pid)
        for each in psutil.net_connections("tcp")
        if each.pid and each.status == psutil.CONN_LISTEN and each.laddr.port in ports
    ]
    assert len(found) == len(urls)
    return found


def sample(client: "redis.Redis", outcome: Outcome) -> None:
    """Note the most queued images that are ever seen."""
    outcome.sampled = max(outcome.sampled, int(client.get("ink:load") or 0))
    outcome.samples += 1


def weigh(gateways: Sequence[tuple[psutil.Process, int]], outcome: Outcome) -> None:
    """Note the most by which any gateway has grown beyond the bytes that it had."""
    grown = max(gateway.memory_info().rss - before for gateway, before in gateways)
    outcome.grown_mb = max(outcome.grown_mb, grown / 2**20)


def ask(http: httpx.Client, urls: Sequence[str], jobs: list[str], outcome: Outcome) -> None:
    """Ask for the status of a job, at each gateway in turn."""
    url = f"{urls[len(outcome.waits) % len(urls)]}/v1/jobs/{random.choice(jobs)}"
    start = time.perf_counter()
    answer = http.get(url)
    outcome.waits.append(time.perf_counter() - start)
    assert answer.status_code == 200, answer.text


def finish(own: Services, urls: Sequence[str], outcome: Outcome) -> None:
    """Wait until everything is read, and check that it is as it should be."""
    names = {keys.job_name("anonymous", job): size for job, size in outcome.accepted.items()}
    end = time.monotonic() + 60 + len(names) / 50
    with redis.Redis.from_url(own.redis_url) as client:
        while (left := int(client.get("ink:load") or 0)) and time.monotonic() < end:
            time.sleep(0.1)
        with client.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hmget(keys.job(name), "state", "succeeded")
            found = pipe.execute()
        outcome.peak = int(client.get(keys.PEAK) or 0)
        queued = client.hgetall("ink:queued")
    outcome.unfinished = sum(
        state != b"succeeded" or int(done) != size
        for (state, done), size in zip(found, names.values(), strict=True)
    )
    stats = read_stats(own.redis_url)
    if left or queued or stats["jobs_accepted"] != len(names):
        outcome.broken.append(f"{left} images queued, {queued}, jobs accepted: {stats}")
    some = random.sample(sorted(outcome.accepted), min(SAMPLE, len(outcome.accepted)))
    accepted = [Accepted(job, [None] * outcome.accepted[job]) for job in some]
    system = System(own.redis_url, urls)
    outcome.broken += violations(system, Evidence(accepted, whole=False))


def faults(outcome: Outcome, most_ms: float = MOST_MS, times: int = TIMES) -> list[str]:
    """Every check that failed; empty if all is well."""
    refused = {kind: number for kind, number in outcome.answers.items() if kind[0] != 202}
    checks = {
        f"the cap of {outcome.cap} was passed": max(outcome.peak, outcome.sampled) <= outcome.cap,
        "the queue was never full": outcome.peak > outcome.cap - 200,
        f"less than {times} times what was read was sent": outcome.sent >= times * outcome.read > 0,
        "nothing was refused": bool(refused),
        "a refusal does not say when to come back": all(says_when for *_, says_when in refused),
        f"there were other refusals: {refused}": {kind[:2] for kind in refused} <= REFUSALS,
        f"{outcome.unfinished} accepted jobs were not read": not outcome.unfinished,
        f"a status took {outcome.wait_ms(99):.0f} ms at p99": outcome.wait_ms(99) <= most_ms,
        f"a gateway grew by {outcome.grown_mb:.0f} MB": outcome.grown_mb <= MOST_MB,
    }
    return [fault for fault, well in checks.items() if not well] + outcome.broken


def table(outcome: Outcome, size: Size) -> Table:
    """What happened, in numbers."""
    now = f"{datetime.now():%Y-%m-%d %H:%M}"
    title = f"{size.seconds:.0f} s with {size.jobs:,} jobs in the queue, {now}"
    shown = Table("what", "figure", title=title)
    shown.add_row("images read a second, without pressure", f"{outcome.rate:,.0f}")
    times = outcome.sent / max(1, outcome.read)
    shown.add_row("images sent", f"{outcome.sent:,}, {times:.1f} times those read meanwhile")
    kinds: Counter[str] = Counter()
    for (status, kind, _), number in outcome.answers.items():
        kinds[f"{status} {kind}"] += number
    for kind, number in sorted(kinds.items()):
        shown.add_row(f"answers of {kind}", f"{number:,}")
    shown.add_row("queued images: cap", f"{outcome.cap:,}")
    shown.add_row("the most, by the ledger's own count", f"{outcome.peak:,}")
    shown.add_row(f"the most in {outcome.samples:,} samples", f"{outcome.sampled:,}")
    shown.add_row("accepted jobs", f"{len(outcome.accepted):,}, of which not read: {outcome.unfinished}")
    waits = ", ".join(f"p{share} {outcome.wait_ms(share):.1f} ms" for share in (50, 99, 100))
    shown.add_row(f"status, {len(outcome.waits):,} asked", waits)
    shown.add_row("a gateway grew by at most", f"{outcome.grown_mb:.0f} MB")
    return shown


def main() -> None:
    """Prove, print, judge."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=Size.seconds)
    options.add_argument("--jobs", type=int, default=Size.jobs)
    size = Size(**vars(options.parse_args()))
    outcome = prove(size)
    console.print(table(outcome, size))
    if found := faults(outcome):
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
