"""What may be left when all is done: keys that expire, and the processes that should run."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from worker.ledger.packing import unpack
from worker.ledger.results import Failure, Result

from .look import Look

LASTING = re.compile(
    "ink:(bells|deliveries|expiry|lingering|measures|open|peak|queued|senders|stats|tokens|workers"
    "|load.*|outbox.*|(aside|due|hooks?|leases|line|owner):.*)"
)
"""Keys that may stay for ever; any other must have an expiry."""

QUEUES = ("aside:", "due:", "leases:", "line:", "outbox")
"""Keys of what waits or is under way, by how they begin."""

SPARE_FILES = 80
"""How many more descriptors a process may hold than at its start: connections to Redis, some sockets."""


def leaked(look: Look) -> Iterator[str]:
    """Nothing is due, leased or queued any more, and everything that belongs to one job expires."""
    for key in look.keys:
        kind = key.removeprefix("ink:")
        if kind.startswith(QUEUES) and (number := look.redis.zcard(key)):
            yield f"leaked: {number} still stand in {key}"
        if kind.startswith("load") and (number := int(look.redis.get(key) or 0)):
            yield f"leaked: {key} is {number} with nothing queued"
        if not LASTING.fullmatch(key) and look.redis.pttl(key) == -1:
            yield f"leaked: {key} has no expiry"
        if ":hands:" in kind:
            yield f"leaked: {key} is left of a job that is over"
    for counter, what in (("ink:open", "unfinished jobs"), ("ink:queued", "queued images")):
        for owner, number in look.redis.hgetall(counter).items():
            if int(number):
                yield f"leaked: {owner.decode()} is said to have {int(number)} {what}"
    yield from _unneeded(look)


def _unneeded(look: Look) -> Iterator[str]:
    for each in look.jobs:
        if held := [field for field in each.hash if field.startswith(("d:", "l:", "a:"))]:
            yield f"leaked: job {each.job.id} is over and has {', '.join(held)} under way"
        kept = {int(key.rsplit(":", 1)[1]) for key in each.left}
        read = {c for c, packed in each.out.items() if not any(map(_failed, unpack(packed)))}
        if kept & read and '"keep_images": true' not in each.hash["options"]:
            yield f"leaked: job {each.job.id} keeps the images of {len(kept & read)} chunks it has read"


def _failed(result: Result) -> bool:
    return isinstance(result, Failure)


def left_over(look: Look) -> Iterator[str]:
    """The processes that should run do, without zombies or orphans; files and descriptors are closed."""
    for pid in look.system.processes:
        if not psutil.pid_exists(pid):
            yield f"leaked: process {pid} should run and does not"
            continue
        process = psutil.Process(pid)
        if zombies := [c.pid for c in process.children() if c.status() == psutil.STATUS_ZOMBIE]:
            yield f"leaked: process {pid} has dead children {zombies}"
        before = look.system.descriptors.get(pid)
        if before is not None and process.num_fds() > before + SPARE_FILES:
            yield f"leaked: process {pid} has {process.num_fds()} descriptors, {before} at its start"
    if look.system.folder:
        for path in sorted(look.system.folder.rglob("*")):
            yield f"leaked: the temporary file {path.name}"
        for orphan in _orphans(look.system.folder, look.system.processes):
            yield f"leaked: process {orphan.pid} outlived its parent: {' '.join(orphan.cmdline())[:80]}"


def _orphans(folder: Path, processes: Sequence[int]) -> list[psutil.Process]:
    """Processes whose TMPDIR is `folder`, but which descend from none of `processes`."""
    known = {p for pid in processes if psutil.pid_exists(pid) for p in _family(psutil.Process(pid))}
    return [each for each in psutil.process_iter() if each not in known and _puts_into(each, folder)]


def _family(parent: psutil.Process) -> list[psutil.Process]:
    return [parent, *parent.children(recursive=True)]


def _puts_into(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.environ().get("TMPDIR") == str(folder)
    except psutil.Error:
        return False
