"""How long a chunk whose worker was killed waits, by the workers' logs and the ledger's own clock.

A worker had a chunk in hand if it logged its claim and nobody committed it before the worker was dead.
The chunk has recovered when another worker commits it: at the time in the job's stream of events. If the
worker that took it over is killed as well, the time counts from that kill.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import redis

from .look import told_of

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
    """When something that recovery needs was away, as pairs of (from, until)."""

    spans: Sequence[tuple[float, float]]

    def touch(self, since: float, until: float) -> bool:
        """Whether it was away at any moment of that time."""
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
    """The recovery of every chunk that a killed worker had in hand."""
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
    """The process that claimed each of these chunks first after the kill."""
    when: dict[Chunk, list[Heir]] = defaultdict(list)
    for pid, taken in claims.items():
        for chunk, at in taken:
            when[chunk].append(Heir(pid, at))
    later = {each.chunk: [heir for heir in when[each.chunk] if heir.at > each.at] for each in found}
    return {chunk: min(heirs, key=lambda heir: heir.at) for chunk, heirs in later.items() if heirs}


def percentile(values: Sequence[float], share: float) -> float:
    """The value at position `share` (0 to 1) of the sorted values; 0 if there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
