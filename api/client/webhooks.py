"""Webhooks of a client, `client.webhooks`: a class that blocks and one that awaits."""

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from worker.webhooks.events import Event

from ..schemas.jobs import JobOut
from ..schemas.webhooks import DeliveryOut, RegisteredOut, SecretOut, WebhookOut
from .calls import Flow
from .retries import RetryPolicy
from .webhook_flows import WebhookFlows

T = TypeVar("T")


class Blocking(Protocol):
    """Carries out a flow."""

    def __call__(self, flow: Flow[T], /) -> T: ...


class Awaiting(Protocol):
    """Carries out a flow when awaited."""

    async def __call__(self, flow: Flow[T], /) -> T: ...


class Webhooks:
    """The webhooks of a Client."""

    def __init__(self, retries: RetryPolicy, run: Blocking) -> None:
        self._flows, self._run = WebhookFlows(retries), run

    def create(
        self, url: str, events: Sequence[Event] | None = None, description: str = ""
    ) -> RegisteredOut:
        """Register a receiver, by default of every event; its secret is shown only this once."""
        return self._run(self._flows.create(url, events, description))

    def list(self) -> Sequence[WebhookOut]:
        """All endpoints, oldest first."""
        return self._run(self._flows.list())

    def update(self, webhook: str, **changes: Any) -> WebhookOut:
        """Change url, events, description or enabled."""
        return self._run(self._flows.update(webhook, changes))

    def rotate_secret(self, webhook: str, overlap_s: int | None = None) -> SecretOut:
        """Make a new secret; the old one signs, too, for a day or `overlap_s`. The `webhook` "callback"
        stands for callback_url."""
        return self._run(self._flows.rotate_secret(webhook, overlap_s))

    def delete(self, webhook: str) -> None:
        """Delete an endpoint; messages still to be sent to it fail."""
        self._run(self._flows.delete(webhook))

    def deliveries(self, job: str | JobOut) -> Sequence[DeliveryOut]:
        """What was sent about a job, newest first."""
        return self._run(self._flows.deliveries(job))

    def deliveries_to(self, webhook: str, limit: int | None = None) -> Sequence[DeliveryOut]:
        """What was sent to an endpoint of late (or to "callback"), newest first."""
        return self._run(self._flows.deliveries_to(webhook, limit))

    def redeliver(self, job: str | JobOut, delivery: str) -> DeliveryOut:
        """Send a delivery again at once, under the same id."""
        return self._run(self._flows.redeliver(job, delivery))


class AsyncWebhooks:
    """The webhooks of an AsyncClient."""

    def __init__(self, retries: RetryPolicy, run: Awaiting) -> None:
        self._flows, self._run = WebhookFlows(retries), run

    async def create(
        self, url: str, events: Sequence[Event] | None = None, description: str = ""
    ) -> RegisteredOut:
        """Register a receiver, by default of every event; its secret is shown only this once."""
        return await self._run(self._flows.create(url, events, description))

    async def list(self) -> Sequence[WebhookOut]:
        """All endpoints, oldest first."""
        return await self._run(self._flows.list())

    async def update(self, webhook: str, **changes: Any) -> WebhookOut:
        """Change url, events, description or enabled."""
        return await self._run(self._flows.update(webhook, changes))

    async def rotate_secret(self, webhook: str, overlap_s: int | None = None) -> SecretOut:
        """Make a new secret; the old one signs, too, for a day or `overlap_s`. The `webhook` "callback"
        stands for callback_url."""
        return await self._run(self._flows.rotate_secret(webhook, overlap_s))

    async def delete(self, webhook: str) -> None:
        """Delete an endpoint; messages still to be sent to it fail."""
        await self._run(self._flows.delete(webhook))

    async def deliveries(self, job: str | JobOut) -> Sequence[DeliveryOut]:
        """What was sent about a job, newest first."""
        return await self._run(self._flows.deliveries(job))

    async def deliveries_to(self, webhook: str, limit: int | None = None) -> Sequence[DeliveryOut]:
        """What was sent to an endpoint of late (or to "callback"), newest first."""
        return await self._run(self._flows.deliveries_to(webhook, limit))

    async def redeliver(self, job: str | JobOut, delivery: str) -> DeliveryOut:
        """Send a delivery again at once, under the same id."""
        return await self._run(self._flows.redeliver(job, delivery))
