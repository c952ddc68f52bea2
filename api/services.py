"""The parts of one gateway: app.py builds them, routes and middleware ask for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # many of these modules import this one
    import redis
    import redis.asyncio
    from fastapi import FastAPI

    from model.card import Card
    from worker.ledger.gauges import Gauges
    from worker.ledger.store import Store
    from worker.periodic import Periodic
    from worker.redis_watch import RedisWatch
    from worker.tracing import Tracer
    from worker.webhooks.deliveries import Deliveries
    from worker.webhooks.endpoints import Endpoints

    from .auth.keyring import Keyring
    from .events.following import Following
    from .events.notifications import JobNotifications
    from .events.waiting import Waiting
    from .exports.previews import Previews
    from .limits.quotas import Quotas
    from .limits.rates import Rates
    from .limits.streams import StreamLimits
    from .pages.rendering import Pages
    from .resubmission import Resubmitter
    from .settings import GatewaySettings
    from .submission import Submitter
    from .telemetry.metrics import Metrics


@dataclass(frozen=True)
class Services:
    """The parts of one gateway. None of them talks to Redis before the gateway starts."""

    settings: GatewaySettings
    keyring: Keyring
    cards: Mapping[str, Card]
    quotas: Quotas
    metrics: Metrics
    tracer: Tracer
    blocking_client: redis.Redis
    client: redis.asyncio.Redis
    redis_watch: RedisWatch
    upkeep: Periodic
    store: Store
    gauges: Gauges
    endpoints: Endpoints
    deliveries: Deliveries
    rates: Rates
    stream_limits: StreamLimits
    submitter: Submitter
    resubmitter: Resubmitter
    notifications: JobNotifications
    waiting: Waiting
    following: Following
    previews: Previews
    pages: Pages


def services_of(app: FastAPI) -> Services:
    """The services of the gateway `app`."""
    services: Services = app.state.services
    return services
