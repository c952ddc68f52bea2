"""What a job is: its states, its options, and the record that the gateway reads."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Literal, Self

from model.card import Normalization
from model.layout import Kind, Layout

Lane = Literal["interactive", "bulk"]


class JobState(StrEnum):
    """A job's life; the last five are final."""

    QUEUED = "queued"  # stored, no image read yet
    RUNNING = "running"  # some images read or being read
    CANCELING = "canceling"  # no more is handed out; what is under way comes back first
    SUCCEEDED = "succeeded"  # every image read
    PARTIALLY_FAILED = "partially_failed"  # some images could not be read
    FAILED = "failed"  # no image could be read
    CANCELED = "canceled"  # stopped; what had been read is kept
    EXPIRED = "expired"  # its time is over and everything but its id is gone

    @property
    def final(self) -> bool:
        """Whether it will never change again (except to expired)."""
        return self not in (JobState.QUEUED, JobState.RUNNING, JobState.CANCELING)


WEIGHTS: Mapping[Kind, int] = {"character": 1, "line": 16, "grid": 64, "page": 512}
"""About how many characters an image of a layout has: its share of a chunk, of a worker's batch and of
the memory promised to results. In counts and quotas it is one image all the same."""


@dataclass(frozen=True)
class Options:
    """How the images of a job are to be read, and the trace they belong to; travels with every claim.

    A grid has `rows` and `columns`; where they are 0, its ruled cells are looked for.
    """

    model: str
    charset: str | None = None
    top_k: int = 3
    normalize: Literal["auto", "none"] = "auto"
    keep_images: bool = False
    trace: str | None = None
    layout: Kind = "character"
    rows: int = 0
    columns: int = 0

    @property
    def weight(self) -> int:
        """The weight of one image (see WEIGHTS); of a grid, the number of its cells if that is known."""
        return self.rows * self.columns or WEIGHTS[self.layout]

    def decoding(self, own: Normalization | None) -> tuple[Normalization | None, Layout]:
        """How a decoder makes glyphs of an image: the normalization (None: it is only fitted to size),
        where `own` is the network's, and the layout."""
        normalization = own if self.normalize == "auto" else None
        return normalization, Layout(self.layout, self.rows, self.columns)

    def to_json(self) -> str:
        """JSON of the non-default options only: below 64 bytes Redis keeps a job in a third of the
        memory."""
        return _json(self)

    @staticmethod
    @lru_cache(1024)  # most jobs want the same
    def from_json(text: str | bytes) -> "Options":
        """The options that `to_json` wrote."""
        return Options(**json.loads(text))


@lru_cache(256)  # most jobs of a gateway have the same
def _json(options: Options) -> str:
    usual = Options(options.model)
    own = {name: value for name, value in vars(options).items() if value != getattr(usual, name)}
    return json.dumps({"model": options.model} | own)


@dataclass(frozen=True)
class Counts:
    """How many images of a job are in which state; they always add up to `total`."""

    total: int
    queued: int
    running: int
    succeeded: int
    failed: int
    canceled: int


@dataclass(frozen=True)
class Job:
    """A job as Redis has it. Times are ms since 1970, by Redis's clock."""

    name: str
    state: JobState
    lane: Lane
    counts: Counts
    options: Options
    metadata: Mapping[str, str]
    labels: str
    weights: str
    parent: str | None
    created: int
    started: int | None
    ended: int | None
    expires: int
    callback_url: str | None = None
    position: int | None = None
    eta_seconds: float | None = None

    @property
    def id(self) -> str:
        """The id by which its owner knows it."""
        return job_id(self.name)

    @classmethod
    def from_hash(cls, name: str, fields: Mapping[bytes, bytes]) -> Self:
        """The job in a hash as HGETALL answers it."""
        get = {key.decode(): value for key, value in fields.items()}
        return cls(
            name=name,
            state=JobState(get["state"].decode()),
            lane="interactive" if get["lane"] == b"interactive" else "bulk",
            counts=_counts(get),
            options=Options.from_json(get["options"]),
            metadata=json.loads(get.get("metadata", b"{}")),
            labels=get["labels"].decode(),
            weights=get["weights"].decode(),
            parent=get.get("parent", b"").decode() or None,
            created=int(get["created"]),
            started=int(get["started"]) if "started" in get else None,
            ended=int(get["ended"]) if "ended" in get else None,
            expires=int(get["expires"]),
            callback_url=get.get("callback", b"").decode() or None,
        )


def job_id(name: str) -> str:
    """The id by which its owner knows a job, from its internal name."""
    return name.split("/", 1)[1]


def _counts(get: Mapping[str, bytes]) -> Counts:
    total, running = int(get["total"]), int(get.get("running", 0))
    done = {state: int(get.get(state, 0)) for state in ("succeeded", "failed", "canceled")}
    return Counts(total, total - running - sum(done.values()), running, **done)
