"""What is done to the system and when, drawn from a seed: the same seed gives the same schedule.

The clock of a schedule advances with the images that clients have sent, so that strikes come as densely
on a slow machine as on a fast one. A seed fixes the kind, order, time by that clock, and aim of every
strike, and what every client sends in which order. It does not fix what depends on timing: where in its
work a process is when it is struck, which worker claims what, and so which chunks are delivered again.
"""

import hashlib
import heapq
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass

KILLS = ("worker", "redis", "gateway", "sender")
LINK_FAULTS = ("fin", "rst", "black hole", "lost reply", "cut before", "cut in reply", "delay")


@dataclass(frozen=True)
class Strike:
    """At the clock's `at`, `kind` befalls the `aim`-th of its targets; a fault of a link `lasts_s`."""

    at: float
    kind: str
    aim: int
    lasts_s: float
    seed: int


@dataclass(frozen=True)
class Intensity:
    """At least how many strikes of each kind are wanted by `span`, when all images are sent."""

    span: float
    workers: int
    redis: int
    gateways: int
    senders: int
    blackouts: int
    links: int
    bells: int

    def counts(self) -> dict[str, int]:
        """How many strikes of each kind."""
        return {
            "worker": self.workers,
            "redis": self.redis,
            "gateway": self.gateways,
            "sender": self.senders,
            "blackout": self.blackouts,
            "link": self.links,
            "bells lost": self.bells,
            "bells doubled": self.bells,
        }


def schedule(seed: int, intensity: Intensity) -> Iterator[Strike]:
    """Strikes without end, in order of time."""
    streams = [
        _stream(random.Random(f"{seed} {kind}"), kind, intensity.span / count)
        for kind, count in intensity.counts().items()
        if count
    ]
    return heapq.merge(*streams, key=lambda strike: strike.at)


def fingerprint(seed: int, intensity: Intensity, strikes: int = 1000) -> str:
    """A short name of a schedule: two runs with the same seed and intensity show the same."""
    first = itertools.islice(schedule(seed, intensity), strikes)
    return hashlib.sha256(repr(list(first)).encode()).hexdigest()[:12]


def _stream(rng: random.Random, kind: str, mean_s: float) -> Iterator[Strike]:
    at = 0.0
    while True:
        at += rng.uniform(0.3, 1.7) * mean_s
        named = rng.choice(LINK_FAULTS) if kind == "link" else kind
        lasts_s = rng.uniform(0.2, 6.0 if named == "black hole" else 1.5)
        yield Strike(at, named, rng.randrange(1 << 16), lasts_s, rng.randrange(1 << 30))
