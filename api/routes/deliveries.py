"""What webhooks sent about a job: each message, the outcome of each attempt, and redelivery."""

from typing import Annotated

from fastapi import APIRouter, Path

from worker.ledger import keys

from ..dependencies import DeliveriesDep, JobId, StoreDep, WebhookOwnerDep
from ..missing_jobs import require_job
from ..problems import Problem
from ..schemas.webhooks import DeliveryOut, DeliveryPage
from ..spellings import DELIVERY_ID

router = APIRouter(prefix="/v1/jobs/{job_id}/deliveries", tags=["webhooks"])

MOST = 100
DeliveryId = Annotated[str, Path(pattern=DELIVERY_ID, description="its webhook-id")]


@router.get("", response_model=DeliveryPage)
async def list_deliveries(
    job_id: JobId, owner: WebhookOwnerDep, store: StoreDep, deliveries: DeliveriesDep
) -> DeliveryPage:
    """What was sent, newest first. Deliveries outlive their job: those of an expired job are listed."""
    name = keys.job_name(owner, job_id)
    found = await deliveries.of_job(name, MOST)
    if not found:
        require_job(await store.job(name))
    return DeliveryPage(data=[DeliveryOut.of(each) for each in found])


@router.post("/{delivery_id}/redeliver", status_code=202, response_model=DeliveryOut)
async def redeliver(
    job_id: JobId, delivery_id: DeliveryId, owner: WebhookOwnerDep, deliveries: DeliveriesDep
) -> DeliveryOut:
    """Send a delivery again at once, under the same id, and with the whole schedule of attempts."""
    match await deliveries.redeliver(keys.job_name(owner, job_id), delivery_id):
        case "disabled":
            raise Problem("webhook-disabled", 'PATCH the endpoint with {"enabled": true} first.')
        case "deleted":
            raise Problem("webhook-disabled", "Its endpoint was deleted; register another.")
        case "sending":
            raise Problem("delivery-under-way", "It is being sent right now; look again.", retry_after=5)
    delivery = await deliveries.find(delivery_id)
    if delivery is None or delivery.job != keys.job_name(owner, job_id):
        raise Problem("not-found", "The job has no delivery with this id.")
    return DeliveryOut.of(delivery)
