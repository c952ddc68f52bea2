"""A job and its chunks as the model knows them."""

from dataclasses import dataclass, field

from worker.ledger.jobs import Lane

TERMINAL = ("succeeded", "partially_failed", "failed", "canceled")


@dataclass
class Part:
    """A chunk: under way while `due` (s) is set, leased while `token` is. `kept`: its stored images."""

    images: tuple[bytes, ...]
    kept: bytes | None
    due: int | None = None
    token: int | None = None
    deliveries: int = 0
    results: bytes | None = None
    failed: int = 0
    dropped: bool = False
    lost: int = 0  # deliveries that ended because a poisonous image killed the worker

    def put_away(self) -> None:
        """Note that it is no longer under way."""
        self.due = self.token = None
        self.deliveries = 0


@dataclass
class Job:
    """A job and all that its owner may know of it. All tokens of its claims are above `first_token`."""

    name: str
    owner: str
    model: str
    lane: Lane
    parts: list[Part]
    window: int
    keep: bool
    fingerprint: str
    expires: int
    first_token: int = 0
    state: str = "queued"
    next: int = 0
    events: list[tuple[str, int]] = field(default_factory=list)
    corrections: dict[int, str] = field(default_factory=dict)
    buried_at: int | None = None

    @property
    def buried(self) -> bool:
        """Whether only its tombstone is left."""
        return self.buried_at is not None

    @property
    def total(self) -> int:
        """The number of images."""
        return sum(len(part.images) for part in self.parts)

    @property
    def open(self) -> bool:
        """Whether it is unfinished, and so still counts as load."""
        return not self.buried and self.state not in TERMINAL

    def starts(self) -> list[int]:
        """The index of each chunk's first image, and the number of images."""
        ends = [0]
        for part in self.parts:
            ends.append(ends[-1] + len(part.images))
        return ends

    def counts(self) -> dict[str, int]:
        """The number of images in each state, and of chunks, as the job's hash has them."""
        done = [part for part in self.parts if part.results is not None]
        failed = sum(part.failed for part in done)
        return {
            "total": self.total,
            "succeeded": sum(len(part.images) for part in done) - failed,
            "failed": failed,
            "canceled": sum(len(part.images) for part in self.parts if part.dropped),
            "running": sum(len(part.images) for part in self.parts if part.token is not None),
            "next": self.next,
            "chunks": len(self.parts),
        }

    @property
    def left(self) -> int:
        """The number of images that have no result and are not canceled."""
        counts = self.counts()
        return counts["total"] - sum(counts[each] for each in ("succeeded", "failed", "canceled"))

    def make_next_due(self, now: int) -> None:
        """Make the first chunk due that was not so far."""
        self.parts[self.next].due = now
        self.next += 1

    def drop(self, part: Part) -> None:
        """Note that a chunk will not be read: the job was canceled."""
        part.put_away()
        part.kept, part.dropped = part.kept if self.keep else None, True

    def final_state(self) -> str:
        """The state in which it ends."""
        counts = self.counts()
        if counts["canceled"]:
            return "canceled"
        if not counts["failed"]:
            return "succeeded"
        return "failed" if counts["failed"] == counts["total"] else "partially_failed"
