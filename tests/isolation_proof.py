"""`make probes`: one owner asks 10,000 times for what belongs to another, and learns nothing.

Each probe is sent twice by Bob: with Alice's ids, and with ids of the same form that nobody has. The
two answers must be the same bytes except for the id asked for; nothing of Alice's may change or show.
Then their times are compared as dudect does (Reparaz, Balasch, Verbauwhede 2017): |t| < 4.5.
"""

import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import numpy as np
import redis
from rich.console import Console
from rich.table import Table

from worker.ledger.keys import LANES

from chaos.look import told_of
from receivers import Receiver, running_receiver, status
from routes import Probe, probes
from samples import pngs, zip_of
from services import Services, new_key, running_services
from timing import Ask, largest_t, times
from waiting import until

PROBES, SAMPLES, HALF = 10_000, 20_000, 4.5
READ, UNREAD = "digits-nano", "digits-mlp"
MARK = "alices-own"
BROKEN = b"\x89PNG\r\n\x1a\n and no more"
console = Console(width=100)


@dataclass(frozen=True)
class Ids:
    """The ids that probes ask for."""

    job: str
    hook: str
    delivery: str
    etag: str
    event: str


@dataclass
class World:
    """A stack with two owners: Alice, who has one of everything, and Bob."""

    services: Services
    alice: httpx.Client
    bob: httpx.Client
    bobs_key: str
    owner: str
    receiver: Receiver
    known: list[Ids]

    def nobodys(self, like: Ids) -> Ids:
        """Ids of the same form as Alice's."""

        def other(text: str, keep: int) -> str:
            return text[:keep] + "".join(random.choices("0123456789abcdef", k=len(text) - keep))

        job, hook, delivery = other(like.job, 4), other(like.hook, 3), other(like.delivery, 4)
        return replace(like, job=job, hook=hook, delivery=delivery)

    def kept(self) -> dict[bytes, bytes]:
        """All that is Alice's in the ledger, and the ledger's counters, by key; without expiry times."""
        with redis.Redis.from_url(self.services.redis_url) as client:
            hers = [ids.hook for ids in self.known] + [ids.delivery for ids in self.known]
            names = [
                name
                for name in client.scan_iter(count=1000)
                if any(each.encode() in name for each in (f"{self.owner}/", f":{self.owner}", *hers))
            ]
            names += [b"ink:stats", b"ink:open", b"ink:outbox"]
            return {name: client.dump(name) or b"" for name in names}

    def is_still(self) -> bool:
        """Whether all that can be read is read, and receivers were told of it or given up."""
        moving = [f"ink:{each}:{READ}:{lane}" for each in ("line", "due") for lane in LANES]
        with redis.Redis.from_url(self.services.redis_url) as client:
            return not client.exists(*moving, f"ink:leases:{READ}", "ink:outbox")


@contextmanager
def two_owners(folder: Path) -> Iterator[World]:
    """The stack, with what Alice has: finished and unfinished jobs, labels, endpoints, deliveries."""
    (alices, line), (bobs, other) = new_key("alice"), new_key()
    settings = {"API_KEYS": f"{line} {other}", "MODELS": READ, "WEBHOOK_PRIVATE": "true"}
    settings |= {"LOG_LEVEL": "warning", "WEBHOOK_SCHEDULE_S": "0.1", "WEBHOOK_TIMEOUT_S": "2"}
    environment = {f"INKQUEUE_{name}": value for name, value in settings.items()}
    with (
        running_services(folder, **environment) as services,
        running_receiver(status(500)) as receiver,
        caller(services, alices) as alice,
        caller(services, bobs) as bob,
    ):
        for module in ("api", "worker", "worker.sender"):
            services.spawn(module)
        services.wait_ready()
        world = World(services, alice, bob, bobs, "alice", receiver, [])
        world.known.append(read_job(world))
        world.known.append(waiting_job(world))
        world.known.append(expired_job(world))
        yield world


def caller(services: Services, key: str) -> httpx.Client:
    """A client with a key."""
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.Client(base_url=services.url, headers=headers, timeout=60)


def read_job(world: World) -> Ids:
    """A finished job: one image failed, one was corrected, and its receiver refused the webhook."""
    alice = world.alice
    hook = alice.post("/v1/webhooks", json={"url": world.receiver.url, "description": MARK}).json()["id"]
    files = {f"{MARK}-{n}.png": data for n, data in enumerate(pngs(3, np.random.default_rng(1)))}
    query = {"model": READ, "keep_images": "true", "metadata": f'{{"{MARK}": "{MARK}"}}'}
    sent = zip_of(files | {"bad.png": BROKEN})
    headers = {"Content-Type": "application/zip", "Prefer": "wait=30"}
    job = alice.post("/v1/jobs", params=query, content=sent, headers=headers).json()["id"]
    assert alice.patch(f"/v1/jobs/{job}/items/0/correction", json={"label": "7"}).status_code == 200

    def delivery() -> dict[str, str]:
        told = alice.get(f"/v1/jobs/{job}/deliveries").json()["data"]
        (found,) = [each for each in told if each["webhook_id"] == hook]
        return dict(found)

    until(lambda: delivery()["state"] == "failed")
    etag = alice.get(f"/v1/jobs/{job}").headers["etag"]
    with redis.Redis.from_url(world.services.redis_url) as client:
        *_, (event, _) = told_of(client, f"alice/{job}")
    return Ids(job, hook, delivery()["id"], etag, event.decode())


def waiting_job(world: World) -> Ids:
    """A job that nobody reads, under an id of its own."""
    content, job = pngs(1, np.random.default_rng(2))[0], f"own-{random.randbytes(16).hex()}"
    query = {"model": UNREAD, "metadata": f'{{"{MARK}": "{MARK}"}}'}
    headers = {"Content-Type": "image/png"}
    answer = world.alice.put(f"/v1/jobs/{job}", params=query, content=content, headers=headers)
    assert answer.status_code == 202
    etag = world.alice.get(f"/v1/jobs/{job}").headers["etag"]
    return replace(world.known[0], job=job, etag=etag, event="1-0")


def expired_job(world: World) -> Ids:
    """The ids of a job that has expired."""
    ids = waiting_job(world)
    with redis.Redis.from_url(world.services.redis_url) as client:
        client.hset(f"ink:job:alice/{ids.job}", "expires", 1)
        client.zadd("ink:expiry", {f"alice/{ids.job}": 1})
        until(lambda: client.hget(f"ink:job:alice/{ids.job}", "state") == b"expired")
    assert world.alice.get(f"/v1/jobs/{ids.job}").status_code == 410
    return ids


def seen(answer: httpx.Response, ids: Ids) -> bytes:
    """Everything that an answer reveals, with placeholders for the ids that were asked for."""
    fields = [(name, value) for name, value in answer.headers.multi_items() if name != "date"]
    body = b"" if not answer.is_stream_consumed else answer.content
    told = f"{answer.status_code} {fields} ".encode() + body
    for name in ("job", "hook", "delivery"):
        told = told.replace(getattr(ids, name).encode(), f"<{name}>".encode())
    return told


OPEN = {"/metrics", "/readyz", "/v1/queue"}
"""Routes about the whole service: two answers may differ over time, but show nothing of Alice's."""


def compare(world: World, foreign: Probe, unknown: Probe, hers: Ids, nobodys: Ids) -> str:
    """How the two answers differ, or what of Alice's the first one shows; '' if nothing is wrong."""
    pairs = [(foreign, hers), (unknown, nobodys)]
    random.shuffle(pairs)
    told = {id(probe): seen(probe.send(world.bob), ids) for probe, ids in pairs}
    first, second = told[id(foreign)], told[id(unknown)]
    marks = [MARK, "alice/", *(("<job>", "<hook>") if "{" not in foreign.route else ())]
    shown = [mark for mark in marks if mark.encode() in first]
    if shown:
        return f"{foreign.method} {foreign.path} shows {shown}"
    if first != second and foreign.route not in OPEN:
        return f"{foreign.method} {foreign.path}: {first!r} is not {second!r}"
    return ""


def campaign(world: World, count: int) -> tuple[int, list[str]]:
    """Send at least `count` probes over every route; return how many were sent, and every leak."""
    sent, leaks = 0, []
    before = world.kept()
    while sent < count:
        for hers in world.known:
            nobodys = world.nobodys(hers)
            for foreign, unknown in zip(_asked(hers), _asked(nobodys), strict=True):
                leak = compare(world, foreign, unknown, hers, nobodys)
                leaks += [leak] if leak else []
                sent += 1
    after = world.kept()
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    leaks += [f"{name!r} changed" for name in sorted(changed)]
    return sent, leaks


def _asked(ids: Ids) -> list[Probe]:
    return probes(ids.job, ids.hook, ids.delivery, ids.etag, ids.event)


def told_by_times(world: World, samples: int) -> dict[str, float]:
    """The largest |t| for each pair of requests that Bob might tell apart by their times."""
    mine = {"Authorization": f"Bearer {world.bobs_key}"}
    hers = [ids.job for ids in world.known]
    nobodys = [world.nobodys(ids).job for ids in world.known]

    def jobs(ids: Sequence[str], rest: str = "") -> list[Ask]:
        return [(f"/v1/jobs/{job}{rest}", mine) for job in ids]

    def keys(*beginnings: str) -> list[Ask]:
        made = [f"{beginning}{new_key()[0][12:]}" for beginning in beginnings]
        return [("/v1/jobs", {"Authorization": f"Bearer {key}"}) for key in made]

    known = world.bobs_key[:12]
    unknown = [new_key()[0][:12] for _ in range(2)]
    pairs = {
        "a job of another's, and none": (jobs(hers), jobs(nobodys)),
        "its results": (jobs(hers, "/results"), jobs(nobodys, "/results")),
        "a known key with a wrong secret, and none": (keys(known, known), keys(*unknown)),
    }
    url = world.services.url
    return {what: largest_t(times(url, *pair, samples)) for what, pair in pairs.items()}


def main(count: int = PROBES, samples: int = SAMPLES) -> None:
    """Build, ask, compare, judge."""
    random.seed(1)
    with tempfile.TemporaryDirectory() as folder, two_owners(Path(folder)) as world:
        sent, leaks = campaign(world, count)
        found = told_by_times(world, samples)
    title = f"{sent} probes for another's things, each beside one for nothing"
    table = Table("what", "found", title=title)
    table.add_row("answers that differ, or show or change something", str(len(leaks)))
    for name, t in found.items():
        table.add_row(f"time: {name} ({samples} each)", f"|t| {t:.1f}")
    console.print(table)
    for leak in leaks[:20]:
        console.print(leak, markup=False)
    sys.exit(bool(leaks) or max(found.values()) >= HALF)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
