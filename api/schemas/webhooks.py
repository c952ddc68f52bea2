"""Webhook endpoints, secrets and deliveries as clients see them, and as /docs describes them."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from worker.ledger.jobs import Counts, JobState, job_id
from worker.webhooks.deliveries import Delivery, State
from worker.webhooks.endpoints import Endpoint
from worker.webhooks.events import Event

from .jobs import when

EVERY_EVENT = tuple(Event)

Events = Annotated[tuple[Event, ...], Field(min_length=1, max_length=len(EVERY_EVENT))]
Description = Annotated[str, Field(max_length=200)]


class NewWebhook(BaseModel):
    """An endpoint to register."""

    model_config = ConfigDict(extra="forbid")

    url: str
    events: Events = EVERY_EVENT
    description: Description = ""


class WebhookChanges(BaseModel):
    """Changes to an endpoint; omitted fields stay as they are."""

    model_config = ConfigDict(extra="forbid")

    url: str | None = None
    events: Events | None = None
    description: Description | None = None
    enabled: bool | None = Field(None, description="true: send again to a disabled endpoint")


class WebhookOut(BaseModel):
    """A registered endpoint."""

    id: str
    url: str
    events: tuple[Event, ...]
    description: str
    enabled: bool
    disabled_reason: str | None
    created_at: datetime
    last_delivered_at: datetime | None

    @classmethod
    def of(cls, endpoint: Endpoint) -> "WebhookOut":
        """The public view of a stored endpoint: everything but its secret."""
        return cls(
            id=endpoint.id,
            url=endpoint.url,
            events=endpoint.events,
            description=endpoint.description,
            enabled=endpoint.enabled,
            disabled_reason=endpoint.reason,
            created_at=when(endpoint.created),
            last_delivered_at=when(endpoint.delivered) if endpoint.delivered else None,
        )


class RegisteredOut(WebhookOut):
    """A new endpoint with its secret."""

    secret: str = Field(description="whsec_...; shown only this once")


class WebhookPage(BaseModel):
    """All endpoints, oldest first."""

    data: list[WebhookOut]


class SecretOut(BaseModel):
    """A new secret."""

    id: str
    secret: str = Field(description="whsec_...; shown only this once")
    previous_valid_until: datetime | None = Field(description="until then the old one signs, too")


class EndedJobOut(BaseModel):
    """A job as it ended."""

    id: str
    state: JobState
    counts: Counts


class MessageOut(BaseModel):
    """What a receiver is sent of a job's end."""  # worker.webhooks.events writes it

    type: Event
    timestamp: datetime = Field(description="when the job ended")
    data: EndedJobOut


class AttemptOut(BaseModel):
    """The outcome of one attempt."""

    at: datetime
    took_ms: int | None
    status: int | None = Field(description="null: there was no answer, and `error` says why")
    error: str | None


class DeliveryOut(BaseModel):
    """One message to one receiver. `id` is the webhook-id that the receiver sees, at every attempt."""

    id: str
    webhook_id: str = Field(description="the endpoint; `callback` for a callback_url")
    job_id: str
    type: str
    state: State
    reason: str | None = Field(description="why it failed for good")
    created_at: datetime
    next_attempt_at: datetime | None
    attempts: list[AttemptOut]

    @classmethod
    def of(cls, delivery: Delivery) -> "DeliveryOut":
        """The public view of a stored delivery."""
        return cls(
            id=delivery.id,
            webhook_id=delivery.hook,
            job_id=job_id(delivery.job),
            type=delivery.type,
            state=delivery.state,
            reason=delivery.reason,
            created_at=when(delivery.created),
            next_attempt_at=when(delivery.due) if delivery.due else None,
            attempts=[
                AttemptOut(at=when(each.at), took_ms=each.took_ms, status=each.status, error=each.error)
                for each in delivery.attempts
            ],
        )


class DeliveryPage(BaseModel):
    """Deliveries, newest first."""

    data: list[DeliveryOut]
