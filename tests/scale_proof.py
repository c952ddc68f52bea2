"""`make scale-proof`: a second worker container joins while a job runs, and takes up work at once.

Not a pytest test, since it needs the stack up with one worker (docker compose up --build). It exits with
1 unless the new worker claims its first chunk within 2 s of its readiness and the job loses nothing.
"""

import sys
import time

import httpx
import numpy as np
from rich.console import Console
from rich.table import Table

from compose_proof import Json, counters, docker, gateway, when
from jobs import ended, posted
from samples import glyphs, npy_of
from waiting import until

IMAGES = 400_000
TAKES_UP_S = 2.0
console = Console(width=100)


def main() -> None:
    """Submit, scale up, wait, print, judge."""
    if len(docker("compose", "ps", "-q", "worker").split()) != 1:
        sys.exit("first: docker compose up --build --scale worker=1")
    with gateway() as http:
        before, known = counters(http), {worker["id"] for worker in queue(http)["workers"]}
        job_id = submit(http)
        began = time.monotonic()
        docker("compose", "up", "-d", "--no-recreate", "--scale", "worker=2")
        joined, desired = once_joined(http, known), queue(http)["desired_workers"]
        started_s = time.monotonic() - began
        at_join = http.get(f"/v1/jobs/{job_id}").json()
        job = ended(http, job_id)
        workers, counted = queue(http)["workers"], counters(http)
    counted.subtract(before)
    took_s = when(joined, "first_claim_at") - when(joined, "ready_at")
    table = Table("what", "figure", title=f"{IMAGES:,} images, a worker joins while they are read")
    table.add_row("docker compose up --scale worker=2 to its first batch", f"{started_s:.1f} s")
    table.add_row("from its readiness to its first claim", f"{took_s:.2f} s")
    table.add_row("done when it joined", f"{at_join['counts']['succeeded']:,}")
    table.add_row("workers desired then", str(desired))
    table.add_row("whole job", f"{when(job, 'ended_at') - when(job, 'created_at'):.1f} s")
    for worker in workers:
        table.add_row(f"read by {worker['id']}, by its last heartbeat", f"{worker['images']:,}")
    console.print(table)
    checks = {
        "it took up work too late": took_s <= TAKES_UP_S,
        "the job was over before it joined": at_join["ended_at"] is None,
        "the job did not succeed": job["state"] == "succeeded",
        "an image was counted twice or never": counted["images_succeeded_total"] == IMAGES,
    }
    for fault in (wrong := [fault for fault, well in checks.items() if not well]):
        console.print(f"[red]wrong:[/] {fault}")
    sys.exit(bool(wrong))


def queue(http: httpx.Client) -> Json:
    """What GET /v1/queue says."""
    return dict(http.get("/v1/queue").raise_for_status().json())


def submit(http: httpx.Client) -> str:
    """The id of a job that takes long."""
    array = np.tile(glyphs(100, np.random.default_rng(7)), (IMAGES // 100, 1, 1))
    return posted(http, npy_of(array), "application/x-npy")


def once_joined(http: httpx.Client, known: set[str]) -> Json:
    """The worker that was not there before, once it has read something."""
    new, *_ = until(
        lambda: [each for each in queue(http)["workers"] if each["id"] not in known and each["images"]],
        120,
    )
    return dict(new)


if __name__ == "__main__":
    main()
