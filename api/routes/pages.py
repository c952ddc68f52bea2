"""The web page and the reference, with the files they are made of. They hold nothing of anybody's."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from ..pages.assets import Assets
from ..pages.rendering import Pages

router = APIRouter(include_in_schema=False)


@router.get("/")
@router.get("/upload")
async def show_home(request: Request) -> Response:
    """Drop, draw, and the caller's jobs."""
    return _pages(request).answer(request, "home")


@router.get("/jobs/{job_id}")
async def show_job(
    request: Request, job_id: Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
) -> Response:
    """A job: its progress, its images, their review."""
    return _pages(request).answer(request, "job")


@router.get("/docs")
async def show_reference(request: Request) -> Response:
    """Every path of the contract, to read and to try."""
    return _pages(request).answer(request, "docs")


@router.get("/static/{digest}/{path:path}")
async def read_asset(request: Request, digest: str, path: str) -> Response:
    """A script, a style or a picture of the page."""
    swagger: Assets = request.app.state.swagger
    own: Assets = request.app.state.assets
    assets = swagger if digest.startswith("swagger-") else own
    return await assets.answer(request, digest, path)


def _pages(request: Request) -> Pages:
    pages: Pages = request.app.state.pages
    return pages
