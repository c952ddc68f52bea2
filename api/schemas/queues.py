"""The answer of GET /v1/queue, for pages, terminals and autoscalers: the backlog, the workers."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from worker.ledger.jobs import Lane

from .jobs import when

if TYPE_CHECKING:
    from worker.ledger.gauges import Backlog, Queue  # which the client does not need


class LaneOut(BaseModel):
    """One lane of a model's queue."""

    lane: Lane
    jobs: int = Field(description="unfinished jobs")
    images: int = Field(description="accepted, not yet read")
    oldest_seconds: float | None = Field(
        description="how long the oldest unclaimed chunk has been due; null: none is due"
    )

    @classmethod
    def of(cls, queue: "Queue") -> "LaneOut":
        """The public view of a lane."""
        oldest = queue.oldest_s
        return cls(lane=queue.lane, jobs=queue.jobs, images=queue.images, oldest_seconds=oldest)


class BacklogOut(BaseModel):
    """One model's queue."""

    model: str
    lanes: list[LaneOut]
    images_per_second: float = Field(
        description="all workers together, in those of the last 10 s in which any were read"
    )

    @classmethod
    def of(cls, backlog: "Backlog") -> "BacklogOut":
        """The public view of a model's queue."""
        lanes = [LaneOut.of(lane) for lane in backlog.lanes]
        return cls(model=backlog.model, lanes=lanes, images_per_second=round(backlog.rate, 1))


class WorkerOut(BaseModel):
    """A live worker, as it reported itself in the last few seconds."""

    id: str
    models: list[str]
    device: str
    reading: str | None = Field(description="the model it reads with at this moment")
    images: int = Field(description="read since it started")
    batch: int = Field(description="images in its last batch")
    images_per_second: dict[str, float] = Field(description="per second of working time, by model")
    ready_at: datetime | None
    first_claim_at: datetime | None

    @classmethod
    def of(cls, facts: Mapping[str, str]) -> "WorkerOut":
        """The public view of a worker's facts."""
        return cls(
            id=facts["id"],
            models=facts.get("models", "").split(","),
            device=facts.get("device", ""),
            reading=facts.get("reading") or None,
            images=int(facts.get("images", 0)),
            batch=int(facts.get("batch", 0)),
            images_per_second=json.loads(facts.get("rates", "{}")),
            ready_at=_time(facts.get("ready")),
            first_claim_at=_time(facts.get("first_claim")),
        )


class QueueOut(BaseModel):
    """The service at this moment."""

    models: list[BacklogOut]
    workers: list[WorkerOut]
    desired_workers: int = Field(description="to read all that waits within INKQUEUE_DRAIN_S")


def _time(ms: str | None) -> datetime | None:
    return when(int(ms)) if ms else None
