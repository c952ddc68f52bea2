"""The gateway application: settings in, routes out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import Depends, FastAPI

from model.card import read_cards
from worker.connection import connect, connect_async
from worker.entrance import Entrance
from worker.gauges import Gauges
from worker.journal import Journal
from worker.ledger import Ledger
from worker.limiters import StreamSemaphores, TokenBuckets
from worker.redis_watch import RedisWatch
from worker.safety import require_safe
from worker.store import Store
from worker.tracing import start
from worker.upkeep import Upkeep
from worker.webhooks.deliveries import Deliveries
from worker.webhooks.endpoints import Endpoints

from . import exception_handlers
from .auth import require_safe_address
from .contract import describe
from .events.following import Following
from .events.notices import Notices
from .events.waiting import Waiting
from .exports.previews import Previews
from .head_requests import HeadRequests
from .keyring import Keyring
from .limits.admission import Admission
from .limits.quotas import Quotas
from .limits.rates import RateLimitHeaders, Rates, metered
from .limits.streams import LocalStreamLimit, SharedStreamLimit
from .pages.assets import own_assets, swagger_assets
from .pages.rendering import Pages, facts
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
from .settings import GatewaySettings
from .shortcut import ShortcutApp
from .submission import Submitter
from .telemetry.metrics import Metrics
from .telemetry.request_metrics import RequestMetrics
from .telemetry.request_tracing import RequestTracing

DESCRIPTION = """Bulk handwriting recognition. Post scans, get a job id, read what they say.

    curl -F files=@scans.zip localhost:8000/v1/jobs
    curl localhost:8000/v1/jobs/JOB?wait=30
    curl localhost:8000/v1/jobs/JOB/results?format=csv
"""


class Gateway(ShortcutApp):
    """The application; its OpenAPI document also lists refusals."""

    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        if self.openapi_schema is None:
            describe(super().openapi())
        return self.openapi_schema or {}


def create_app(settings: GatewaySettings | None = None) -> FastAPI:
    """The gateway. Raises UnsafeAddress, BadKeys or BadQuotas when it must not start like this."""
    settings = settings or GatewaySettings()
    keyring, cards, quotas = Keyring(settings), read_cards(), Quotas(settings)
    require_safe_address(settings, keyring)
    metrics = Metrics(list(cards), version("inkqueue"), settings)
    app = Gateway(
        title="Inkqueue",
        version=version("inkqueue"),
        description=DESCRIPTION,
        lifespan=_lifespan,
        docs_url=None,  # we have our own, which loads nothing from other hosts
        redoc_url=None,
        redirect_slashes=False,  # behind a proxy it would lead to plain http, and the key with it
    )
    app.state.settings, app.state.keyring = settings, keyring
    app.state.cards, app.state.metrics, app.state.quotas = cards, metrics, quotas
    app.state.previews = Previews(settings)
    app.state.local_stream_limit = LocalStreamLimit(settings.max_streams, metrics.streams)
    app.state.tracer = tracer = start("inkqueue-gateway")
    exception_handlers.install(app)
    if tracer.listening:
        app.add_middleware(RequestTracing, tracer=tracer)
    app.add_middleware(HeadRequests)
    app.add_middleware(RequestMetrics, metrics=metrics)
    if quotas.count_requests:
        app.add_middleware(RateLimitHeaders)
    for routes in (
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
    ):
        counted = quotas.count_requests and routes not in (service, pages, predictions)
        app.include_router(routes.router, dependencies=[Depends(metered)] if counted else [])
    app.cut_short(predictions.router)  # it counts its own requests
    _add_pages(app)
    return app


def _add_pages(app: FastAPI) -> None:
    state = app.state
    state.assets, state.swagger = own_assets(), swagger_assets()
    state.pages = Pages(
        lambda: {
            "assets": f"/static/{state.assets.digest}",
            "swagger": f"/static/{state.swagger.digest}",
            "cards": list(state.cards.values()),
            "facts": facts(state.settings, state.cards, bool(state.keyring), app.openapi()["paths"]),
        }
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: GatewaySettings = app.state.settings
    blocking, client = connect(settings.redis_url), connect_async(settings.redis_url)
    require_safe(blocking, settings)
    redis_watch = app.state.redis_watch = RedisWatch(blocking, settings)
    redis_watch.approve()
    store = app.state.store = Store(client)
    gauges = app.state.gauges = Gauges(client)
    app.state.endpoints, app.state.deliveries = Endpoints(client), Deliveries(client)
    entrance, tracer = Entrance(client), app.state.tracer
    quotas = app.state.quotas
    app.state.rates = Rates(TokenBuckets(client), quotas)
    app.state.shared_stream_limit = SharedStreamLimit(StreamSemaphores(client), quotas)
    admission = Admission(entrance, gauges, list(app.state.cards), settings, quotas, redis_watch)
    app.state.submitter = Submitter(entrance, store, admission, settings, app.state.cards, tracer)
    notices = app.state.notices = Notices(client)
    app.state.waiting = Waiting(store, notices)
    app.state.following = Following(Journal(client, store), store, notices, settings.ping_s)
    upkeep = Upkeep(Ledger(blocking, settings.lease_ms), list(app.state.cards))
    notices.start()
    upkeep.start()
    redis_watch.start()
    yield
    upkeep.stop()
    redis_watch.stop()
    await notices.stop()
    await client.aclose()
    tracer.close()
    app.state.previews.close()
    blocking.close()
