"""The gateway application: settings in, routes out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import Depends, FastAPI

from model.card import read_cards
from worker.connections.connection import connect, connect_async
from worker.ledger.gauges import Gauges
from worker.ledger.journal import Journal
from worker.ledger.ledger import Ledger
from worker.ledger.limiters import StreamSemaphores, TokenBuckets
from worker.ledger.store import Store
from worker.ledger.submissions import Submissions
from worker.redis_watch import RedisWatch
from worker.tracing import start
from worker.upkeep import upkeep
from worker.webhooks.deliveries import Deliveries
from worker.webhooks.endpoints import Endpoints

from . import exception_handlers
from .auth.authentication import require_safe_address
from .auth.keyring import Keyring
from .events.following import Following
from .events.notifications import JobNotifications
from .events.waiting import Waiting
from .exports.previews import Previews
from .head_requests import HeadRequests
from .job_entry import JobEntry
from .limits.admission import Admission
from .limits.quotas import Quotas
from .limits.rates import RateLimitHeaders, Rates, metered
from .limits.streams import StreamLimits
from .openapi.contract import describe
from .openapi.webhooks import RECEIVERS
from .pages.rendering import Pages
from .resubmission import Resubmitter
from .routes import (
    corrections,
    deliveries,
    events,
    exports,
    items,
    jobs,
    pages,
    predictions,
    queue,
    results,
    service,
    webhooks,
)
from .services import Services, services_of
from .settings import GatewaySettings
from .shortcut import ShortcutApp
from .submission import Submitter
from .telemetry.metrics import Metrics
from .telemetry.request_metrics import RequestMetrics
from .telemetry.request_tracing import RequestTracing

DESCRIPTION = """Bulk handwriting recognition. Post scans, get a job id, read what they say.

    curl -F files=@scans.zip localhost:8000/v1/jobs
    curl 'localhost:8000/v1/jobs/JOB?wait=30'
    curl 'localhost:8000/v1/jobs/JOB/results?format=csv'

A parameter of a query that an operation does not know is refused.
"""

ROUTES = (
    jobs,
    results,
    items,
    corrections,
    exports,
    events,
    predictions,
    queue,
    webhooks,
    deliveries,
    service,
    pages,
)


class Gateway(ShortcutApp):
    """The application; its OpenAPI document also lists refusals."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, built once."""
        if self.openapi_schema is None:
            describe(super().openapi())
        return self.openapi_schema or {}


def create_app(settings: GatewaySettings) -> FastAPI:
    """The gateway. Raises BadKeys or BadSettings for settings that it must not run with."""
    services = _services(settings)
    app = Gateway(
        title="Inkqueue",
        version=version("inkqueue"),
        description=DESCRIPTION,
        webhooks=RECEIVERS,
        lifespan=_lifespan,
        generate_unique_id_function=lambda route: route.name,  # as generated clients call it
        docs_url=None,  # we have our own, which loads nothing from other hosts
        redoc_url=None,
        redirect_slashes=False,  # behind a proxy, a redirect would take the key to plain HTTP
    )
    app.state.services = services
    exception_handlers.install(app)
    if services.tracer.listening:
        app.add_middleware(RequestTracing, tracer=services.tracer)
    app.add_middleware(HeadRequests)
    app.add_middleware(RequestMetrics, metrics=services.metrics)
    if services.quotas.count_requests:
        app.add_middleware(RateLimitHeaders)
    for routes in ROUTES:
        counted = services.quotas.count_requests and routes not in (service, pages, predictions)
        app.include_router(routes.router, dependencies=[Depends(metered)] if counted else [])
    app.cut_short(predictions.router)  # this route counts its own requests
    return app


def _services(settings: GatewaySettings) -> Services:
    keyring, cards, quotas = Keyring(settings), read_cards(), Quotas(settings)
    require_safe_address(settings, keyring)
    metrics, tracer = Metrics(list(cards), version("inkqueue"), settings), start("inkqueue-gateway")
    blocking, client = connect(settings.redis_url), connect_async(settings.redis_url)
    redis_watch = RedisWatch(blocking, settings)
    store, gauges, submissions = Store(client), Gauges(client), Submissions(client)
    notifications = JobNotifications(client)
    admission = Admission(submissions, gauges, list(cards), settings, quotas, redis_watch)
    entry = JobEntry(submissions, store, admission, settings, tracer)
    return Services(
        settings=settings,
        keyring=keyring,
        cards=cards,
        quotas=quotas,
        metrics=metrics,
        tracer=tracer,
        blocking_client=blocking,
        client=client,
        redis_watch=redis_watch,
        upkeep=upkeep(Ledger(blocking, settings.lease_ms), list(cards)),
        store=store,
        gauges=gauges,
        endpoints=Endpoints(client),
        deliveries=Deliveries(client),
        rates=Rates(TokenBuckets(client), quotas),
        stream_limits=StreamLimits(
            settings.max_streams, metrics.streams, StreamSemaphores(client), quotas
        ),
        submitter=Submitter(entry, cards),
        resubmitter=Resubmitter(entry, cards),
        notifications=notifications,
        waiting=Waiting(store, notifications),
        following=Following(Journal(client, store), store, notifications, settings.ping_s),
        previews=Previews(settings),
        pages=Pages(settings, cards, bool(keyring)),
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services = services_of(app)
    services.redis_watch.approve()
    services.notifications.start()
    services.upkeep.start()
    services.redis_watch.start()
    yield
    services.upkeep.stop()
    services.redis_watch.stop()
    await services.notifications.stop()
    await services.client.aclose()
    services.tracer.close()
    services.previews.close()
    services.blocking_client.close()
