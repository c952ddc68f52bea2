"""A system after its faults, once all is done: its ledger, read once, and how to ask its gateways."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import redis

from worker.ledger import keys
from worker.ledger.jobs import JobState
from worker.ledger.journal import START
from worker.ledger.scripts import source

from .evidence import Accepted, Evidence

TERMINAL = {state.value for state in JobState if state.final}


@dataclass(frozen=True)
class System:
    """Where the system runs. `keys` has the API key of every owner ({}: there are none).

    `processes` are all that should run, `descriptors` how many each had open at rest, `folder` is their
    TMPDIR; what is left out is not judged.
    """

    redis_url: str
    gateways: Sequence[str]
    keys: Mapping[str, str] = field(default_factory=dict)
    processes: Sequence[int] = ()
    descriptors: Mapping[int, int] = field(default_factory=dict)
    folder: Path | None = None


@dataclass(frozen=True)
class Standing:
    """A job as the ledger has it."""

    job: Accepted
    hash: Mapping[str, str]
    starts: Sequence[int]
    out: Mapping[int, bytes]
    events: Sequence[tuple[str, Mapping[str, str]]]
    left: Sequence[str]

    def count(self, counter: str) -> int:
        """One of its counters."""
        return int(self.hash.get(counter, 0))

    @property
    def sizes(self) -> list[int]:
        """The number of images of each chunk."""
        return [after - first for first, after in pairwise(self.starts)]


class Look:
    """Everything that is judged, read once."""

    def __init__(self, system: System, evidence: Evidence, client: "redis.Redis") -> None:
        self.system, self.evidence, self.redis = system, evidence, client
        self.keys = sorted(key.decode() for key in client.scan_iter("ink:*", count=1000))
        self.stats = {k.decode(): int(v) for k, v in client.hgetall(keys.STATS).items()}
        found = [_standing(client, job) for job in evidence.accepted]
        self.jobs = [each for each in found if each.hash]
        self.missing = [each.job for each in found if not each.hash]

    def http(self, gateway: str, owner: str) -> httpx.Client:
        """A client of a gateway, as an owner."""
        key = self.system.keys.get(owner)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.Client(base_url=gateway, headers=headers, timeout=60, verify=False)


def settle(client: "redis.Redis", jobs: Iterable[Accepted], wait_s: float, *, outbox: bool) -> None:
    """Wait up to `wait_s` until all jobs have ended and, with `outbox`, all webhooks are sent."""
    end, waiting = time.monotonic() + wait_s, [job.name for job in jobs]
    while time.monotonic() < end:
        states = [client.hget(keys.job(name), "state") for name in waiting]
        waiting = [n for n, s in zip(waiting, states, strict=True) if s and s.decode() not in TERMINAL]
        if not waiting and not (outbox and client.zcard("ink:outbox")):
            return
        time.sleep(0.1)


def told_of(client: "redis.Redis", name: str) -> list[tuple[bytes, dict[bytes, bytes]]]:
    """The events of a job, those that are noted late included (see follow.lua)."""
    client.register_script(source("follow"))(args=[name, START, 1])
    found: Any = client.xrange(f"{keys.job(name)}:events")
    return found


def _standing(client: "redis.Redis", job: Accepted) -> Standing:
    name = job.name
    fields, starts, out, events = (
        client.hgetall(keys.job(name)),
        client.get(keys.starts(name)),
        client.hgetall(keys.results(name)),
        told_of(client, name),
    )
    told = [(i.decode(), {k.decode(): v.decode() for k, v in entry.items()}) for i, entry in events]
    chunks = int(fields.get(b"chunks", 0))
    inputs = [keys.chunk_input(name, chunk) for chunk in range(chunks)]
    return Standing(
        job,
        {key.decode(): value.decode() for key, value in fields.items()},
        memoryview(starts).cast("I").tolist() if starts else [0, int(fields.get(b"total", 0))],
        {int(chunk): packed for chunk, packed in out.items()},
        told,
        [key for key in inputs if client.exists(key)],
    )
