"""What routes ask for in their signatures: coroutines, since what is none takes a turn in a thread."""

from typing import Annotated

from fastapi import Depends, Path, Request, Security

from worker import keys
from worker.gauges import Gauges
from worker.jobs import Job, JobState
from worker.store import Store
from worker.webhooks.deliveries import Deliveries
from worker.webhooks.endpoints import Endpoints

from .auth import authenticate
from .events.waiting import Waiting
from .problems import Problem
from .settings import GatewaySettings
from .submission import Submitter


async def _store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store


async def _gauges(request: Request) -> Gauges:
    gauges: Gauges = request.app.state.gauges
    return gauges


async def _submitter(request: Request) -> Submitter:
    submitter: Submitter = request.app.state.submitter
    return submitter


async def _waiting(request: Request) -> Waiting:
    waiting: Waiting = request.app.state.waiting
    return waiting


async def _settings(request: Request) -> GatewaySettings:
    settings: GatewaySettings = request.app.state.settings
    return settings


async def _endpoints(request: Request) -> Endpoints:
    endpoints: Endpoints = request.app.state.endpoints
    return endpoints


async def _deliveries(request: Request) -> Deliveries:
    deliveries: Deliveries = request.app.state.deliveries
    return deliveries


OwnerDep = Annotated[str, Depends(authenticate)]
"""Whoever has a key; the others want one with a scope (see credentials.SCOPES)."""
SubmitOwnerDep = Annotated[str, Security(authenticate, scopes=["submit"])]
ReadOwnerDep = Annotated[str, Security(authenticate, scopes=["read"])]
ManageOwnerDep = Annotated[str, Security(authenticate, scopes=["manage"])]
WebhookOwnerDep = Annotated[str, Security(authenticate, scopes=["webhooks"])]
OperateOwnerDep = Annotated[str, Security(authenticate, scopes=["operate"])]
StoreDep = Annotated[Store, Depends(_store)]
GaugesDep = Annotated[Gauges, Depends(_gauges)]
SubmitterDep = Annotated[Submitter, Depends(_submitter)]
WaitingDep = Annotated[Waiting, Depends(_waiting)]
SettingsDep = Annotated[GatewaySettings, Depends(_settings)]
EndpointsDep = Annotated[Endpoints, Depends(_endpoints)]
DeliveriesDep = Annotated[Deliveries, Depends(_deliveries)]
JobId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="a job's id")]


async def find_job(job_id: JobId, owner: OwnerDep, store: StoreDep) -> Job:
    """The caller's job, if the key is for what asks for it. Raises `not-found` or `job-expired`."""
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
    return Problem("not-found", "No job of yours has this id.")


JobDep = Annotated[Job, Security(find_job, scopes=["read"])]
ManagedJobDep = Annotated[Job, Security(find_job, scopes=["manage"])]
