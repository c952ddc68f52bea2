"""The service itself: its models, whether it lives and is ready, its metrics and its problems."""

from typing import Any

from fastapi import APIRouter, Request, Response

from ..dependencies import GaugesDep, OwnerDep
from ..problems import CATALOGUE, Problem
from ..schemas import ModelOut
from ..telemetry.metrics import Metrics

router = APIRouter(tags=["service"])


@router.get("/v1/models", response_model=list[ModelOut])
async def list_models(request: Request, owner: OwnerDep) -> list[ModelOut]:
    """What images can be read as, and how well."""
    return [ModelOut.of(card) for card in request.app.state.cards.values()]


@router.get("/healthz")
async def health() -> dict[str, str]:
    """Whether this process answers."""
    return {"status": "ok"}


@router.get("/readyz")
async def readiness(request: Request, gauges: GaugesDep) -> dict[str, Any]:
    """Whether jobs are taken and read: Redis answers and a worker is alive."""
    workers = await gauges.workers()
    if fault := request.app.state.redis_watch.fault:
        raise Problem("not-ready", f"No job is taken: {fault}", retry_after=30)
    if not workers:
        raise Problem("not-ready", "No worker is alive; jobs are kept until one is.", retry_after=2)
    return {"status": "ready", "workers": workers}


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(request: Request, gauges: GaugesDep) -> Response:
    """Prometheus text."""
    registry: Metrics = request.app.state.metrics
    return Response(await registry.render(gauges), media_type=registry.media_type)


@router.get("/problems/{slug}")
async def explain_problem(slug: str) -> dict[str, Any]:
    """What a problem's type means."""
    if slug not in CATALOGUE:
        raise Problem("not-found", f"Known problems: {', '.join(CATALOGUE)}.")
    status, title = CATALOGUE[slug]
    return {"type": f"/problems/{slug}", "title": title, "status": status}
