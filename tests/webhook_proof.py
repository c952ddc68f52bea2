"""`make webhook-proof`: 400 jobs end while senders are killed 40 times; each is reported, under one id.

Not a pytest test, since it takes a minute or two. It exits with 1 if a webhook was lost.
"""

import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from standardwebhooks.webhooks import Webhook

from api.client import Client

from ledgers import read_stats
from receivers import OK, Answer, Receiver, babble, drip, hang, pour, running_receiver, status
from samples import pngs
from services import Services, lone_gateway

JOBS, KILLS = 400, 40
SETTINGS = {
    "INKQUEUE_WEBHOOK_PRIVATE": "true",
    "INKQUEUE_WEBHOOK_TIMEOUT_S": "1",
    "INKQUEUE_WEBHOOK_SCHEDULE_S": ",".join(["1"] * 60),
}


def main() -> None:
    """Run the proof and print its figures."""
    with (
        tempfile.TemporaryDirectory() as folder,
        lone_gateway(Path(folder), **SETTINGS) as services,
        running_receiver() as good,
        running_receiver(*_moods()) as moody,
        running_receiver(hang) as bad,
    ):
        table, faults = _prove(services, good, moody, bad)
    Console().print(table)
    sys.exit("; ".join(faults) or 0)


def _moods() -> list[Answer]:
    """The answers of a receiver, most of which do not accept the message."""
    moods = [status(500), babble, drip, status(307, "Location: http://127.0.0.1:1/"), OK, pour]
    rng = random.Random(7)
    return [rng.choice(moods) for _ in range(4 * JOBS)] + [OK]


def _prove(
    services: Services, good: Receiver, moody: Receiver, bad: Receiver
) -> tuple[Table, list[str]]:
    with Client(services.url) as client:
        secrets = {each.url: client.webhooks.create(each.url).secret for each in (good, moody, bad)}
        senders = [services.spawn("worker.sender") for _ in range(2)]
        image = pngs(1, np.random.default_rng(7))[0]
        jobs = {client.cancel(client.submit(image)).id for _ in range(JOBS // 2)}
        began = time.monotonic()
        for number in range(KILLS):
            jobs |= {client.cancel(client.submit(image)).id for _ in range(JOBS // 2 // KILLS)}
            time.sleep(random.uniform(0.2, 1.2))
            senders[number % 2].kill()
            senders[number % 2].wait()
            senders[number % 2] = services.spawn("worker.sender")
        killed_s = time.monotonic() - began
        _wait(lambda: _told(good, secrets) >= jobs and _told(moody, secrets) >= jobs)
        whole_s = time.monotonic() - began
    counted = read_stats(services.redis_url)
    table = Table(
        "what", "figure", title=f"{len(jobs)} jobs, three receivers, {KILLS} kills in {killed_s:.0f} s"
    )
    faults = []
    for name, receiver in {"good": good, "moody": moody}.items():
        ids = Counter(receiver.ids())
        table.add_row(f"{name}: jobs told of", str(len(_told(receiver, secrets))))
        table.add_row(f"{name}: requests, different ids", f"{sum(ids.values())}, {len(ids)}")
        if _told(receiver, secrets) != jobs or len(ids) != len(jobs):
            faults.append(f"{name}: not each job under one id")
    table.add_row("until all had arrived", f"{whole_s:.0f} s")
    for key in ("created", "delivered", "retried", "failed"):
        table.add_row(f"webhooks {key}", str(counted.get(f"webhooks_{key}", 0)))
    return table, faults


def _told(receiver: Receiver, secrets: dict[str, str]) -> set[str]:
    """The jobs in the messages that came; raises if a signature is bad."""
    known = Webhook(secrets[receiver.url])
    return {known.verify(each.body, each.headers)["data"]["id"] for each in list(receiver.messages)}


def _wait(done: Callable[[], bool], seconds: float = 300) -> None:
    """Wait until it is `done`, or it is clear that it never will be."""
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.5)


if __name__ == "__main__":
    main()
