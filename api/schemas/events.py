"""A job's events, as the gateway reports them to followers, and the client to its user."""

from pydantic import BaseModel, Field

from worker.ledger.jobs import Counts, Job, JobState

from .jobs import ItemOut, JobOut


class ProgressEvent(BaseModel):
    """How far a job is."""

    state: JobState
    counts: Counts
    position: int | None = Field(description="unfinished jobs ahead of this one")
    eta_seconds: float | None = Field(description="None: unknown, or done")
    images_per_second: float | None = Field(None, description="of this job, lately; None: unknown")

    @classmethod
    def of(cls, job: Job | JobOut, rate: float | None = None) -> "ProgressEvent":
        """The public view of a job's progress."""
        return cls(
            state=job.state,
            counts=job.counts,
            position=job.position,
            eta_seconds=job.eta_seconds,
            images_per_second=rate,
        )


class ResultEvent(BaseModel):
    """Some images with their results, in the order of upload; in a stream, all images of one chunk."""

    data: list[ItemOut]
    id: str | None = None


class CompletedEvent(BaseModel):
    """The job is final; the last event."""

    job: JobOut
    id: str | None = None


Event = ProgressEvent | ResultEvent | CompletedEvent
