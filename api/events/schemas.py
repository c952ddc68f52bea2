"""What happens to a job, as the gateway reports it to followers, and the client to its user."""

from pydantic import BaseModel, Field

from worker.jobs import Counts, Job, JobState

from ..schemas import ItemOut, JobOut


class ProgressEvent(BaseModel):
    """How far a job is."""

    state: JobState
    counts: Counts
    position: int | None = Field(description="unfinished jobs that came before")
    eta_seconds: float | None = Field(description="None: unknown, or done")
    images_per_second: float | None = Field(None, description="of this job, lately; None: unknown")

    @classmethod
    def of(cls, job: Job | JobOut, rate: float | None = None) -> "ProgressEvent":
        """What is shown of a job that goes on."""
        return cls(
            state=job.state,
            counts=job.counts,
            position=job.position,
            eta_seconds=job.eta_seconds,
            images_per_second=rate,
        )


class ResultEvent(BaseModel):
    """What became of some images, in the order of upload: in a stream, all those of one chunk."""

    data: list[ItemOut]
    id: str | None = None


class CompletedEvent(BaseModel):
    """The job is final; the last event."""

    job: JobOut
    id: str | None = None


Event = ProgressEvent | ResultEvent | CompletedEvent
