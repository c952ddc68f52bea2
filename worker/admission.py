"""Whether a job is let in: what is capped, how much room there is, and what the ledger answered."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from .chunks import Chunk


@dataclass(frozen=True)
class Caps:
    """The most images queued in all, the most unfinished jobs of one owner, and the job's window.

    `max_owner` is the most queued images of one owner; 0: no cap of its own. `server` is the run of
    Redis whose settings are known to be safe; empty: any.
    """

    max_queued: int
    max_open: int
    window: int
    max_owner: int = 0
    server: str = ""


@dataclass(frozen=True)
class Room:
    """The caps on staging: images queued in all and of `owner` (0: no cap), and `mark`, the share of
    Redis's memory that jobs may take. That is its maxmemory or, if it has none, `memory` bytes.

    `images` and `bytes` are what was staged for this job before.
    """

    owner: str = ""
    max_queued: int = 0
    max_owner: int = 0
    memory: int = 0
    mark: float = 1.0
    images: int = 0
    bytes: int = 0

    def after(self, chunks: Sequence[Chunk]) -> "Room":
        """The room for what follows `chunks`, once they are staged."""
        images = self.images + sum(chunk.count for chunk in chunks)
        return replace(self, images=images, bytes=self.bytes + sum(map(_size, chunks)))


Entered = Literal["staged", "new", "replay", "mismatch", "gone", "unstaged", "unsigned", "stranger"]
Crowded = Literal["full", "quota", "memory", "never", "large", "many"]
"""What there is too much of: images queued in all, or of one owner; memory; images or bytes of one job,
more than are ever taken; unfinished jobs."""


@dataclass(frozen=True)
class Verdict:
    """What became of a submission; `name` is that of the job that stands.

    `figure` is the excess in images (`full`, `quota`) or bytes (`memory`), the most that is ever taken
    (`never`, `large`), or the number of unfinished jobs (`many`).
    """

    kind: Entered | Crowded
    name: str = ""
    figure: int = 0


def _size(chunk: Chunk) -> int:
    return len(chunk.payload) + len(chunk.names_json)
