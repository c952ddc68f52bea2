"""A job that may be missing: the job, or the problem that says so."""

from worker.ledger.jobs import Job, JobState

from .problems import Problem


def require_job(job: Job | JobState | None) -> Job:
    """`job` if there is one. Raises `not-found` or `job-expired`."""
    if isinstance(job, Job):
        return job
    raise absence(job)


def absence(left: JobState | None) -> Problem:
    """The problem for a job that does not exist; `left` is its last state, if that is still known."""
    if left is JobState.EXPIRED:
        return Problem("job-expired", "Submit it again; `expires_in` keeps a job longer.")
    return Problem("not-found", "You have no job with this id.")


def require_standing(job: Job | JobState | None) -> Job:
    """`job`, if the job of a key or id still exists. Raises `job-expired`."""
    if isinstance(job, Job):
        return job
    raise Problem("job-expired", "The job of this key or id is gone; use another.")
