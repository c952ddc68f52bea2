"""The ledger's reasons to refuse a job, as problems for the client."""

from worker.ledger.admission import Verdict
from worker.ledger.gauges import Pressure

from ..problems import Problem
from ..settings import GatewaySettings
from . import drain_time
from .quotas import Quota


def refusal(verdict: Verdict, pressure: Pressure, settings: GatewaySettings, quota: Quota) -> Problem:
    """The problem that tells a caller with this quota of `verdict`."""
    match verdict.kind:
        case "mismatch":
            return Problem(
                "idempotency-mismatch", "This key or id was used for another request; use a new one."
            )
        case "gone":
            return Problem("job-expired", "A job with this id has expired; use another id.")
        case "unsigned":
            detail = "Make one with POST /v1/webhooks/callback/secret; it signs the callbacks."
            return Problem("callback-secret-needed", detail)
        case "unstaged":
            detail = "The uploaded images are gone from the job store; send them again."
            return Problem("storage-unavailable", detail, retry_after=1)
        case "stranger":
            detail = "The job store keeps restarting; try again shortly."
            return Problem("storage-unavailable", detail, retry_after=1)
        case "never":
            most = verdict.figure
            return Problem("too-many-images", f"At most {most} images can wait; send fewer.", limit=most)
        case "large":
            most = verdict.figure
            detail = f"At most {most} bytes of a job and its results can be stored here; send less."
            return Problem("body-too-large", detail, limit=most)
    return _crowded(verdict, pressure, settings, quota)


def _crowded(verdict: Verdict, pressure: Pressure, settings: GatewaySettings, quota: Quota) -> Problem:
    """A refusal that passes as the queue drains."""
    figure = verdict.figure
    match verdict.kind:
        case "many":
            detail = f"{settings.max_open} of your jobs are unfinished; wait for some."
            wait, slug = drain_time.of_a_job(pressure, figure), "too-many-jobs"
        case "quota":
            detail = f"{quota.queued} of your images may wait to be read; wait for some."
            wait = drain_time.of_own_images(pressure, figure, quota.queued)
            slug = "too-many-queued"
        case "memory":
            detail = "The job store is nearly full; there is room again as jobs are read and deleted."
            wait, slug = drain_time.of_bytes(pressure, figure), "memory-full"
        case _:
            detail = "Too many images are waiting to be read; try again when some have been read."
            wait, slug = drain_time.of_images(pressure, figure), "queue-full"
    return Problem(slug, detail, retry_after=wait)
