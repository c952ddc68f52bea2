"""Dependencies of routes. All are coroutines, since FastAPI runs plain functions in threads."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, TypeVar

from fastapi import Depends, Path, Request, Security

from model.card import Card
from worker.ledger import keys
from worker.ledger.gauges import Gauges
from worker.ledger.jobs import Job
from worker.ledger.store import Store
from worker.webhooks.deliveries import Deliveries
from worker.webhooks.endpoints import Endpoints

from .auth.authentication import authenticate
from .events.waiting import Waiting
from .exports.previews import Previews
from .missing_jobs import require_job
from .resubmission import Resubmitter
from .services import Services, services_of
from .settings import GatewaySettings
from .spellings import JOB_ID
from .submission import Submitter

T = TypeVar("T")


def service(get: Callable[[Services], T]) -> Callable[[Request], Awaitable[T]]:
    """A dependency that applies `get` to the gateway's services."""

    async def found(request: Request) -> T:
        return get(services_of(request.app))

    return found


OwnerDep = Annotated[str, Depends(authenticate)]
"""Any valid key will do; the dependencies below need one with a scope (see credentials.SCOPES)."""
SubmitOwnerDep = Annotated[str, Security(authenticate, scopes=["submit"])]
ReadOwnerDep = Annotated[str, Security(authenticate, scopes=["read"])]
ManageOwnerDep = Annotated[str, Security(authenticate, scopes=["manage"])]
WebhookOwnerDep = Annotated[str, Security(authenticate, scopes=["webhooks"])]
OperateOwnerDep = Annotated[str, Security(authenticate, scopes=["operate"])]
SettingsDep = Annotated[GatewaySettings, Depends(service(lambda s: s.settings))]
CardsDep = Annotated[Mapping[str, Card], Depends(service(lambda s: s.cards))]
StoreDep = Annotated[Store, Depends(service(lambda s: s.store))]
GaugesDep = Annotated[Gauges, Depends(service(lambda s: s.gauges))]
SubmitterDep = Annotated[Submitter, Depends(service(lambda s: s.submitter))]
ResubmitterDep = Annotated[Resubmitter, Depends(service(lambda s: s.resubmitter))]
WaitingDep = Annotated[Waiting, Depends(service(lambda s: s.waiting))]
PreviewsDep = Annotated[Previews, Depends(service(lambda s: s.previews))]
EndpointsDep = Annotated[Endpoints, Depends(service(lambda s: s.endpoints))]
DeliveriesDep = Annotated[Deliveries, Depends(service(lambda s: s.deliveries))]
JobId = Annotated[str, Path(pattern=JOB_ID, description="a job's id")]


async def find_job(job_id: JobId, owner: OwnerDep, store: StoreDep) -> Job:
    """The caller's job, if its key has the route's scope. Raises `not-found` or `job-expired`."""
    return require_job(await store.job(keys.job_name(owner, job_id)))


JobDep = Annotated[Job, Security(find_job, scopes=["read"])]
ManagedJobDep = Annotated[Job, Security(find_job, scopes=["manage"])]
