"""Webhook endpoints: register, list, change, rotate the secret, delete (Standard Webhooks 1.0.0)."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from worker.webhooks.endpoints import CALLBACK, Endpoint, Endpoints, SecretsOverlap
from worker.webhooks.urls import Policy

from ..dependencies import DeliveriesDep, EndpointsDep, SettingsDep, WebhookOwnerDep
from ..parameters import require_url
from ..payloads import body_schema, read_payload
from ..problems import Problem
from ..schemas.jobs import when
from ..schemas.webhooks import (
    DeliveryOut,
    DeliveryPage,
    NewWebhook,
    RegisteredOut,
    SecretOut,
    WebhookChanges,
    WebhookOut,
    WebhookPage,
)
from ..spellings import WEBHOOK_ID

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])

DAY_S = 86_400
HookId = Annotated[str, Path(pattern=WEBHOOK_ID, description="an endpoint's id")]


@router.post("", status_code=201, response_model=RegisteredOut, openapi_extra=body_schema(NewWebhook))
async def create_webhook(
    request: Request,
    response: Response,
    owner: WebhookOwnerDep,
    endpoints: EndpointsDep,
    settings: SettingsDep,
) -> RegisteredOut:
    """Register a receiver of events. The secret that signs them is shown in this answer only."""
    new = await read_payload(request, NewWebhook)
    require_url(new.url, Policy.of(settings))
    made = await endpoints.create(owner, new.url, new.events, new.description, settings.max_webhooks)
    if made is None:
        raise Problem("too-many-webhooks", f"You have {settings.max_webhooks}; delete one first.")
    hook, secret = made
    response.headers["Location"] = f"/v1/webhooks/{hook}"
    shown = WebhookOut.of(await _find(endpoints, owner, hook))
    return RegisteredOut(**shown.model_dump(), secret=secret)


@router.get("", response_model=WebhookPage)
async def list_webhooks(owner: WebhookOwnerDep, endpoints: EndpointsDep) -> WebhookPage:
    """Your endpoints."""
    return WebhookPage(data=[WebhookOut.of(each) for each in await endpoints.list(owner)])


@router.get("/{webhook_id}", response_model=WebhookOut)
async def read_webhook(
    webhook_id: HookId, owner: WebhookOwnerDep, endpoints: EndpointsDep
) -> WebhookOut:
    """One endpoint and, if it was disabled, the reason."""
    return WebhookOut.of(await _find(endpoints, owner, webhook_id))


@router.patch("/{webhook_id}", response_model=WebhookOut, openapi_extra=body_schema(WebhookChanges))
async def change_webhook(
    request: Request,
    webhook_id: HookId,
    owner: WebhookOwnerDep,
    endpoints: EndpointsDep,
    settings: SettingsDep,
) -> WebhookOut:
    """Change an endpoint, or enable it again."""
    changes = (await read_payload(request, WebhookChanges)).model_dump(exclude_none=True)
    if "url" in changes:
        require_url(changes["url"], Policy.of(settings))
    if not await endpoints.amend(owner, webhook_id, changes):
        raise _missing()
    return WebhookOut.of(await _find(endpoints, owner, webhook_id))


@router.post("/{webhook_id}/secret", response_model=SecretOut)
async def rotate_secret(
    webhook_id: HookId,
    owner: WebhookOwnerDep,
    endpoints: EndpointsDep,
    overlap: Annotated[
        int, Query(ge=0, le=7 * DAY_S, description="seconds for which the old secret signs, too")
    ] = DAY_S,
) -> SecretOut:
    """Make a new secret for an endpoint or, with `callback` as its id, for every job's callback_url.

    While the previous secret still signs, only `overlap=0` makes another, and ends the former at once.
    """
    try:
        made = await endpoints.rotate(owner, webhook_id, overlap)
    except SecretsOverlap as error:
        signs = when(error.until).isoformat()
        detail = f"The previous secret signs until {signs}: rotate then, or with overlap=0 to end it."
        raise Problem("secrets-overlap", detail, previous_valid_until=signs) from error
    if made is None:
        raise _missing()
    secret, until = made
    return SecretOut(id=webhook_id, secret=secret, previous_valid_until=when(until) if until else None)


@router.delete("/{webhook_id}", status_code=204)
async def delete_webhook(
    webhook_id: HookId, owner: WebhookOwnerDep, endpoints: EndpointsDep
) -> Response:
    """Delete an endpoint. Messages still to be sent to it fail, and are listed as failed."""
    if not await endpoints.delete(owner, webhook_id):
        raise _missing()
    return Response(status_code=204)


@router.get("/{webhook_id}/deliveries", response_model=DeliveryPage)
async def list_webhook_deliveries(
    webhook_id: HookId,
    owner: WebhookOwnerDep,
    endpoints: EndpointsDep,
    deliveries: DeliveriesDep,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> DeliveryPage:
    """The latest deliveries to an endpoint, newest first."""
    if webhook_id != CALLBACK:
        await _find(endpoints, owner, webhook_id)
    found = await deliveries.of_hook(owner, webhook_id, limit)
    return DeliveryPage(data=[DeliveryOut.of(each) for each in found])


async def _find(endpoints: Endpoints, owner: str, hook: str) -> Endpoint:
    endpoint = await endpoints.find(owner, hook)
    if endpoint is None:
        raise _missing()
    return endpoint


def _missing() -> Problem:
    return Problem("not-found", "You have no webhook endpoint with this id.")
