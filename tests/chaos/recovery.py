"""How long a chunk waits whose worker was killed, from what the workers log and the ledger's own clock.

A chunk was in a worker's hands if the worker logged its claim and neither it nor anybody else committed
it before the worker was dead. It has recovered when another worker commits it: the time in the job's
stream of events. Where the one who took it over is killed as well, the clock begins anew with that kill.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import redis

from chaos.invariants import told_of

Chunk = tuple[str, int]


@dataclass(frozen=True)
class Kill:
    """A worker process and when it was dead (s since 1970, like all times here)."""

    pid: int
    at: float


@dataclass(frozen=True)
class Recovery:
    """A chunk in the hands of a worker that was killed `at`, and how long until it was committed."""

    chunk: Chunk
    at: float
    took_s: float


@dataclass(frozen=True)
class Outages:
    """When something was away that recovery needs: from, until."""

    spans: Sequence[tuple[float, float]]

    def touch(self, since: float, until: float) -> bool:
        """Whether it was away in that time."""
        return any(begin < until and since < end for begin, end in self.spans)


def claims_of(logs: Iterable[Path]) -> dict[int, list[tuple[Chunk, float]]]:
    """Every claim in the workers' JSON logs, by process."""
    claims: dict[int, list[tuple[Chunk, float]]] = defaultdict(list)
    for path in logs:
        for line in path.read_bytes().splitlines():
            if b'"chunk.claimed"' in line:
                said = json.loads(line)
                pid = int(said["worker"].split("-")[-2])
                claims[pid].append(((said["job"], said["chunk"]), float(said["at"])))
    return claims


def commits_of(client: "redis.Redis", names: Iterable[str]) -> dict[Chunk, float]:
    """When each chunk was committed, by Redis's clock."""
    commits = {}
    for name in names:
        for event_id, event in told_of(client, name):
            if b"c" in event:
                at = int(event_id.split(b"-")[0]) / 1000
                commits[name.partition("/")[2], int(event[b"c"])] = at
    return commits


def recoveries(
    kills: Sequence[Kill],
    claims: Mapping[int, Sequence[tuple[Chunk, float]]],
    commits: Mapping[Chunk, float],
) -> list[Recovery]:
    """What became of every chunk that a killed worker had in its hands."""
    last: dict[Chunk, float] = {}
    for kill in kills:
        for chunk, claimed in claims.get(kill.pid, ()):
            if claimed <= kill.at < commits.get(chunk, 0.0):
                last[chunk] = max(kill.at, last.get(chunk, 0.0))
    return [Recovery(chunk, at, commits[chunk] - at) for chunk, at in last.items()]


@dataclass(frozen=True)
class Heir:
    """The process that took a chunk over, and when."""

    pid: int
    at: float


def heirs_of(
    found: Iterable[Recovery], claims: Mapping[int, Sequence[tuple[Chunk, float]]]
) -> dict[Chunk, Heir]:
    """Who had each of these chunks next after the kill."""
    when: dict[Chunk, list[Heir]] = defaultdict(list)
    for pid, taken in claims.items():
        for chunk, at in taken:
            when[chunk].append(Heir(pid, at))
    later = {each.chunk: [heir for heir in when[each.chunk] if heir.at > each.at] for each in found}
    return {chunk: min(heirs, key=lambda heir: heir.at) for chunk, heirs in later.items() if heirs}


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that is not below `share` of all; 0 for none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
