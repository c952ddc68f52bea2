"""The service itself: its models, whether it is alive and ready, its metrics and its problems."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from model.card import Card
from worker.redis_watch import RedisWatch

from ..dependencies import CardsDep, GaugesDep, OwnerDep, service
from ..openapi.examples import METRICS
from ..problems import CATALOGUE, Problem
from ..schemas.jobs import ModelOut
from ..telemetry.metrics import Metrics

router = APIRouter(tags=["service"])

RedisWatchDep = Annotated[RedisWatch, Depends(service(lambda s: s.redis_watch))]
MetricsDep = Annotated[Metrics, Depends(service(lambda s: s.metrics))]

TEXT = {"text/plain": {"example": METRICS}}


@router.get("/v1/models", response_model=list[ModelOut])
async def list_models(owner: OwnerDep, cards: CardsDep) -> list[Card]:
    """The models that can read images: what they read, and how well."""
    return list(cards.values())


@router.get("/healthz")
async def health() -> dict[str, str]:
    """Whether this process answers."""
    return {"status": "ok"}


@router.get("/readyz")
async def readiness(gauges: GaugesDep, redis_watch: RedisWatchDep) -> dict[str, Any]:
    """Whether jobs are accepted and read: Redis answers and a worker is alive."""
    workers = await gauges.workers()
    if fault := redis_watch.fault:
        raise Problem("not-ready", f"No job is accepted: {fault}", retry_after=30)
    if not workers:
        raise Problem("not-ready", "No worker is alive; jobs are kept until one is.", retry_after=2)
    return {"status": "ready", "workers": workers}


@router.get("/metrics", response_class=Response, responses={200: {"content": TEXT}})
async def metrics(gauges: GaugesDep, registry: MetricsDep, redis_watch: RedisWatchDep) -> Response:
    """Prometheus text."""
    text = await registry.render(gauges, bool(redis_watch.fault))
    return Response(text, media_type=registry.media_type)


@router.get("/problems/{slug}")
async def explain_problem(slug: str) -> dict[str, Any]:
    """The meaning of a problem's type."""
    if slug not in CATALOGUE:
        raise Problem("not-found", "No such problem; /docs lists them all.")
    status, title = CATALOGUE[slug]
    return {"type": f"/problems/{slug}", "title": title, "status": status}
