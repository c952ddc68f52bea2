"""Whether a job is let in: what is capped, how much room there is, and what the ledger answered."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Limits:
    """What the ledger lets an owner have.

    At most `max_queued` images queued in all and `max_owner` of the owner (0: no cap), and `max_open`
    unfinished jobs of the owner, each with `window` chunks due at once. `mark` is the share of Redis's
    memory that jobs may take. That is its maxmemory or, if it has none, `memory` bytes (0: all of its
    machine). `server` is the run of Redis whose settings are known to be safe; empty: any.
    """

    owner: str
    max_queued: int
    max_owner: int
    max_open: int
    window: int
    memory: int
    mark: float
    server: str


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
