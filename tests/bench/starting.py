"""The time from nothing but Redis to the first answer, and from a worker's death to its chunk's end."""

import os
import time
from pathlib import Path

import httpx

from api.stack.stack import WORKERS
from worker.connections.connection import connect
from worker.ledger.ledger import Ledger
from worker.settings import QueueSettings

from ledgers import read_job, submit
from services import Services

LEASE_MS = QueueSettings().lease_ms


def start(services: Services, image: bytes) -> float:
    """Start gateway and workers; return the seconds until they have read one image. All are up then."""
    begin = time.perf_counter()
    with Path(os.devnull).open("wb") as log:  # logs are written, as they are by default
        gateway = services.spawn("api", log)
        for _ in range(WORKERS):
            services.spawn("worker", log)
    services.wait_answering(gateway)
    headers = {"Content-Type": "image/png", "Prefer": "wait=60"}
    with httpx.Client(base_url=services.url, timeout=60) as http:
        http.post("/v1/predictions", content=image, headers=headers).raise_for_status()
    took = time.perf_counter() - begin
    services.wait_ready(WORKERS)
    return took


def recovery(services: Services, model: str) -> float:
    """Seconds from a claim whose worker dies to the end of its job."""
    dying = Ledger(connect(services.redis_url), LEASE_MS)
    for attempt in range(50):  # until this claim comes before that of the worker that the job wakes
        submit(services.redis_url, f"dying{attempt}", (5,), model=model)
        if dying.claim(model, 5):
            begin = time.perf_counter()
            while read_job(services.redis_url, f"dying{attempt}").counts.succeeded < 5:
                time.sleep(0.02)
            return time.perf_counter() - begin
    raise RuntimeError("the worker was always quicker")
