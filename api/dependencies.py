"""What routes ask for in their signatures; coroutines, as FastAPI runs plain functions in threads."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Path, Request, Security

from model.card import Card
from worker import keys
from worker.gauges import Gauges
from worker.jobs import Job, JobState
from worker.store import Store
from worker.webhooks.deliveries import Deliveries
from worker.webhooks.endpoints import Endpoints

from .auth import authenticate
from .events.waiting import Waiting
from .exports.previews import Previews
from .problems import Problem
from .settings import GatewaySettings
from .submission import Submitter


def state(name: str) -> Any:
    """A dependency: what the application keeps under `name` (see app.py)."""

    async def found(request: Request) -> Any:
        return getattr(request.app.state, name)

    return found


OwnerDep = Annotated[str, Depends(authenticate)]
"""Any key will do; the others need one with a scope (see credentials.SCOPES)."""
SubmitOwnerDep = Annotated[str, Security(authenticate, scopes=["submit"])]
ReadOwnerDep = Annotated[str, Security(authenticate, scopes=["read"])]
ManageOwnerDep = Annotated[str, Security(authenticate, scopes=["manage"])]
WebhookOwnerDep = Annotated[str, Security(authenticate, scopes=["webhooks"])]
OperateOwnerDep = Annotated[str, Security(authenticate, scopes=["operate"])]
SettingsDep = Annotated[GatewaySettings, Depends(state("settings"))]
CardsDep = Annotated[Mapping[str, Card], Depends(state("cards"))]
StoreDep = Annotated[Store, Depends(state("store"))]
GaugesDep = Annotated[Gauges, Depends(state("gauges"))]
SubmitterDep = Annotated[Submitter, Depends(state("submitter"))]
WaitingDep = Annotated[Waiting, Depends(state("waiting"))]
PreviewsDep = Annotated[Previews, Depends(state("previews"))]
EndpointsDep = Annotated[Endpoints, Depends(state("endpoints"))]
DeliveriesDep = Annotated[Deliveries, Depends(state("deliveries"))]
JobId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="a job's id")]


async def find_job(job_id: JobId, owner: OwnerDep, store: StoreDep) -> Job:
    """The caller's job, if its key has the route's scope. Raises `not-found` or `job-expired`."""
    return require_job(await store.job(keys.job_name(owner, job_id)))


def require_job(job: Job | JobState | None) -> Job:
    """`job` if there is one. Raises `not-found` or `job-expired`."""
    if isinstance(job, Job):
        return job
    raise absence(job)


def absence(left: JobState | None) -> Problem:
    """Why there is no job, from what is left of it."""
    if left is JobState.EXPIRED:
        return Problem("job-expired", "Submit it again; `expires_in` keeps a job longer.")
    return Problem("not-found", "You have no job with this id.")


JobDep = Annotated[Job, Security(find_job, scopes=["read"])]
ManagedJobDep = Annotated[Job, Security(find_job, scopes=["manage"])]
