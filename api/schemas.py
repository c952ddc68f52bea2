"""What the client sees of jobs, items and models; also what /docs describes."""

from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, Field

from model.card import Card
from model.layout import Kind
from worker.jobs import Counts, Job, JobState, Lane

from .layouts import LikelyOut, LineOut

Only = Literal["failed", "uncertain"]
"""Which results are wanted, if not all."""

LINKS = {
    "self": "",
    "results": "/results",
    "events": "/events",
    "deliveries": "/deliveries",
    "cancel": "/cancel",
}


class JobOut(BaseModel):
    """A job."""

    id: str
    state: JobState
    counts: Counts
    position: int | None = Field(description="unfinished jobs that came before")
    eta_seconds: float | None = Field(description="null: unknown, or done")
    model: str
    charset: str | None
    top_k: int
    normalize: str
    layout: Kind
    rows: int | None
    columns: int | None
    priority: Lane
    keep_images: bool
    callback_url: str | None = None
    metadata: dict[str, str]
    parent_id: str | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    expires_at: datetime
    links: dict[str, str]

    @classmethod
    def of(cls, job: Job) -> "JobOut":
        """What is shown of a stored job."""
        options, path = job.options, f"/v1/jobs/{job.id}"
        return cls(
            id=job.id,
            state=job.state,
            counts=job.counts,
            position=job.position,
            eta_seconds=job.eta_seconds,
            model=options.model,
            charset=options.charset,
            top_k=options.top_k,
            normalize=options.normalize,
            layout=options.layout,
            rows=options.rows or None,
            columns=options.columns or None,
            priority=job.lane,
            keep_images=options.keep_images,
            callback_url=job.callback_url,
            metadata=dict(job.metadata),
            parent_id=job.parent,
            created_at=when(job.created),
            started_at=when(job.started) if job.started else None,
            ended_at=when(job.ended) if job.ended else None,
            expires_at=when(job.expires),
            links={name: f"{path}{rest}" for name, rest in LINKS.items()},
        )


class JobPage(BaseModel):
    """Jobs, newest first."""

    data: list[JobOut]
    next_cursor: str | None


class ErrorOut(BaseModel):
    """Why an image could not be read."""

    type: str
    detail: str


class ItemOut(BaseModel):
    """What became of one image."""

    index: int
    name: str
    status: Literal["queued", "succeeded", "failed", "canceled"]
    label: str | None = Field(default=None, description="of layout=character; else see text and lines")
    confidence: float | None = Field(default=None, description="of many characters, the mean")
    uncertain: bool | None = Field(default=None, description="not sure, or flagged; of many, any")
    flags: list[str] | None = Field(default=None, description="reasons to doubt the image")
    top_k: list[LikelyOut] | None = None
    text: str | None = Field(default=None, description="of a line, page or grid: its lines")
    lines: list[LineOut] | None = None
    error: ErrorOut | None = None
    correction: str | None = Field(default=None, description="what a person says it is")


class PredictionOut(ItemOut):
    """What one image says, and the job that read it."""

    job_id: str
    model: str


class ItemPage(BaseModel):
    """Results in the order of upload. `next_cursor` null: there are no more, now or later."""

    data: list[ItemOut]
    next_cursor: int | None
    complete: bool = Field(description="whether the job is final, so that nothing will be added")


class ModelOut(BaseModel):
    """A model that jobs can name."""

    name: str
    labels: str
    parameters: int
    normalization: str
    uncertain_below: float = Field(description="of the confidence; over 1: every answer is uncertain")
    accuracy: dict[str, float]
    measured_on: str
    sha256: str

    @classmethod
    def of(cls, card: Card) -> "ModelOut":
        """What is shown of a card."""
        return cls(
            name=card.name,
            labels=card.labels,
            parameters=card.parameters,
            normalization=card.normalization,
            uncertain_below=card.uncertain_below,
            accuracy=dict(card.accuracy),
            measured_on=card.measured_on,
            sha256=card.sha256,
        )


def when(ms: int) -> datetime:
    """A time of the ledger."""
    return datetime.fromtimestamp(ms / 1000, UTC)
