"""Jobs, items and models as clients see them, and as /docs describes them."""

from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, Field

from model.layout import Kind
from worker.ledger.jobs import Counts, Job, JobState, Lane

Only = Literal["failed", "uncertain"]
"""A filter of results."""

Box = tuple[int, int, int, int]
"""Left, top, width, height, in pixels of the upload as displayed (turned by its EXIF orientation, the
pixels of a fax made square)."""

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
    position: int | None = Field(description="unfinished jobs ahead of this one")
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
        """The public view of a stored job."""
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


class LikelyOut(BaseModel):
    """One possible reading."""

    label: str
    p: float


class CharacterOut(BaseModel):
    """One character of an image with many."""

    label: str
    confidence: float
    uncertain: bool
    flags: list[str]
    top_k: list[LikelyOut]
    box: Box


class WordOut(BaseModel):
    """Characters without a gap between them; in a grid, a cell."""

    text: str
    box: Box
    characters: list[CharacterOut]


class LineOut(BaseModel):
    """Words beside each other; in a grid, a row."""

    text: str = Field(description="its words, separated by spaces")
    box: Box
    words: list[WordOut]


class ItemOut(BaseModel):
    """One image and its result."""

    index: int
    name: str = Field(
        description="a file's name, or custom_id; FILE#1: a TIFF's first page; FILE[0]: an array's first"
    )
    status: Literal["queued", "succeeded", "failed", "canceled"]
    label: str | None = Field(default=None, description="only for layout=character; otherwise see text")
    confidence: float | None = Field(default=None, description="for many characters, the mean")
    uncertain: bool | None = Field(
        default=None, description="whether it is unsure or flagged; for many characters, whether any is"
    )
    flags: list[str] | None = Field(default=None, description="reasons to doubt the image")
    top_k: list[LikelyOut] | None = None
    text: str | None = Field(default=None, description="for a line, page or grid: its lines")
    lines: list[LineOut] | None = None
    error: ErrorOut | None = None
    correction: str | None = Field(default=None, description="the label or text given by a person")


class PredictionOut(ItemOut):
    """One image with its result, and the job that read it."""

    job_id: str
    model: str


class ItemPage(BaseModel):
    """Results in the order of upload. If `next_cursor` is null, there are no more, now or later."""

    data: list[ItemOut]
    next_cursor: int | None
    complete: bool = Field(description="whether the job is final, so that nothing will be added")


class ModelOut(BaseModel):
    """A model that jobs can name."""

    name: str
    labels: str
    parameters: int
    normalization: str
    uncertain_below: float = Field(
        description="answers of less confidence are uncertain; over 1: all are"
    )
    accuracy: dict[str, float]
    measured_on: str
    sha256: str


def when(ms: int) -> datetime:
    """A time of the ledger, in ms, as a datetime."""
    return datetime.fromtimestamp(ms / 1000, UTC)
