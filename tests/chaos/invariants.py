"""The judge of every fault: what was accepted is there, once, right, for its owner, and nothing else is.

Give `violations` a running system that had its faults, and the evidence of what clients saw. It waits
until all is done, looks at the ledger itself and at every gateway, and says in words what is broken.
"""

from collections import Counter
from collections.abc import Callable, Iterator

import redis

from worker.ledger.packing import unpack
from worker.ledger.results import Failure

from .evidence import Evidence, Reading, digest
from .look import TERMINAL, Look, System, settle
from .news import misordered, untold
from .remains import leaked, left_over
from .replies import exposed, told_wrong, unplanned

MOST_LINES = 10
"""The most violations of one kind that are listed one by one."""

Check = Callable[[Look], Iterator[str]]


def violations(system: System, evidence: Evidence, *, wait_s: float = 60.0) -> list[str]:
    """Everything that is broken, as `kind: what`; [] if all is well.

    Waits up to `wait_s` until all jobs have ended; those that have not by then are violations.
    """
    with redis.Redis.from_url(system.redis_url) as client:
        settle(client, evidence.accepted, wait_s, outbox=bool(evidence.inboxes))
        look = Look(system, evidence, client)
        return [line for check in CHECKS for line in _some(check(look))]


def lost(look: Look) -> Iterator[str]:
    """Every accepted job is there and over; every image has exactly one terminal result."""
    for job in look.missing:
        yield f"lost: job {job.id} was accepted and is not in the ledger"
    for each in look.jobs:
        state = each.hash["state"]
        if state not in TERMINAL:
            yield f"lost: job {each.job.id} is unfinished: {state}, {len(each.out)} chunks done"
            continue
        if each.count("total") != len(each.job.expected):
            yield f"lost: job {each.job.id} has {each.hash['total']} images of {len(each.job.expected)}"
        for chunk, size in enumerate(each.sizes):
            if chunk not in each.out and not each.job.canceled:
                yield f"lost: job {each.job.id} has no results of chunk {chunk}"
            elif chunk in each.out and len(unpack(each.out[chunk])) != size:
                yield f"lost: job {each.job.id}, chunk {chunk}: not one result for each of {size} images"


def changed(look: Look) -> Iterator[str]:
    """No result changes or vanishes once it is committed."""
    stored = {(each.job.name, chunk): each.out[chunk] for each in look.jobs for chunk in each.out}
    for (name, chunk), before in look.evidence.seen.items():
        now = stored.get((name, chunk))
        if now is None or digest(now) != before:
            what = "vanished" if now is None else "changed"
            yield f"changed: the results of {name}, chunk {chunk} {what} after they were committed"


def wrong(look: Look) -> Iterator[str]:
    """The ledger's results are those of the quiet run."""
    for each in look.jobs:
        labels = each.hash["labels"]
        for chunk, packed in each.out.items():
            for index, result in enumerate(unpack(packed), each.starts[chunk]):
                expected = each.job.expected[index] if index < len(each.job.expected) else None
                if expected and (how := expected.differs(Reading.stored(result, labels))):
                    yield f"wrong: job {each.job.id}, image {index} {how}"


def miscounted(look: Look) -> Iterator[str]:
    """The counters of a job equal its results; those of the ledger equal the sums over its jobs."""
    sums: Counter[str] = Counter()
    for each in look.jobs:
        failed = sum(isinstance(r, Failure) for packed in each.out.values() for r in unpack(packed))
        answers = sum(not isinstance(r, Failure) for packed in each.out.values() for r in unpack(packed))
        wanted = {"succeeded": answers, "failed": failed, "running": 0}
        wanted["canceled"] = each.count("total") - answers - failed if each.job.canceled else 0
        for counter, number in wanted.items():
            sums[f"images_{counter}"] += each.count(counter)
            if each.count(counter) != number:
                found = f"{each.count(counter)} images {counter}, there are {number}"
                yield f"miscounted: job {each.job.id} counts {found}"
        sums["images_accepted"] += each.count("total")
        sums["jobs_accepted"] += 1
    for counter in ("succeeded", "failed", "canceled", "accepted") if look.evidence.whole else ():
        found, number = look.stats.get(f"images_{counter}", 0), sums[f"images_{counter}"]
        if found != number:
            yield f"miscounted: the ledger counts {found} images {counter}, its jobs {number}"
    if look.evidence.whole and look.stats.get("jobs_accepted", 0) != sums["jobs_accepted"]:
        found = look.stats.get("jobs_accepted", 0)
        yield f"miscounted: the ledger accepted {found} jobs, clients know of {sums['jobs_accepted']}"


CHECKS: tuple[Check, ...] = (
    lost,
    changed,
    wrong,
    told_wrong,
    miscounted,
    misordered,
    untold,
    leaked,
    left_over,
    unplanned,
    exposed,
)


def _some(lines: Iterator[str]) -> Iterator[str]:
    """The first MOST_LINES lines of each kind, and how many more there are."""
    counts: Counter[str] = Counter()
    for line in lines:
        kind = line.partition(":")[0]
        counts[kind] += 1
        if counts[kind] <= MOST_LINES:
            yield line
    for kind, number in counts.items():
        if number > MOST_LINES:
            yield f"{kind}: and {number - MOST_LINES} more"
