"""The web page and the reference, with the files they are made of. They hold no caller's data."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from ..dependencies import JobId, service
from ..pages.rendering import Pages

router = APIRouter(include_in_schema=False)

PagesDep = Annotated[Pages, Depends(service(lambda s: s.pages))]


@router.get("/")
@router.get("/upload")
async def show_home(request: Request, pages: PagesDep) -> Response:
    """Upload or draw images; and the caller's jobs."""
    return pages.answer(request, "home")


@router.get("/jobs/{job_id}")
async def show_job(request: Request, pages: PagesDep, job_id: JobId) -> Response:
    """A job: its progress, its images, their review."""
    return pages.answer(request, "job")


@router.get("/docs")
async def show_reference(request: Request, pages: PagesDep) -> Response:
    """Every path of the contract, to read and to try."""
    return pages.answer(request, "docs")


@router.get("/static/{digest}/{path:path}")
async def read_asset(request: Request, pages: PagesDep, digest: str, path: str) -> Response:
    """A script, a style or a picture of the page."""
    return await pages.asset(request, digest, path)
