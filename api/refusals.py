"""Why the ledger did not take a job, as the client hears it."""

from worker.entrance import Submission, Verdict
from worker.gauges import Gauges

from .problems import Problem
from .settings import GatewaySettings


async def refusal(
    verdict: Verdict, job: Submission, gauges: Gauges, settings: GatewaySettings
) -> Problem:
    """The problem that `verdict` is to whoever submitted `job`."""
    match verdict.kind:
        case "mismatch":
            return Problem("idempotency-mismatch", "It stands for another body; use a new one.")
        case "gone":
            return Problem("job-expired", "A job of this id has expired; use another id.")
        case "unsigned":
            detail = "Make one with POST /v1/webhooks/callback/secret; it signs what is sent."
            return Problem("callback-secret-needed", detail)
        case "many":
            detail = f"{settings.max_open} jobs are unfinished; wait for some."
            return Problem("too-many-jobs", detail, retry_after=2)
        case "full":
            (backlog,) = await gauges.backlogs([job.options.model])
            wait = backlog.images / 10 / backlog.rate if backlog.rate else 5.0
            detail = "Too many images are waiting to be read."
            return Problem("queue-full", detail, retry_after=min(60.0, wait))
    return Problem("storage-unavailable", "What was sent is gone; send it again.", retry_after=1)
