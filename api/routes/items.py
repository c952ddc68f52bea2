"""Single images of a job: the result of one, its upload, and what the network saw."""

from typing import Annotated, Literal

from anyio.to_thread import run_sync
from fastapi import APIRouter, Path, Query, Response

from worker.ledger.chunks import PixelBlock
from worker.ledger.jobs import Job
from worker.ledger.store import Item, Store

from ..dependencies import CardsDep, JobDep, PreviewsDep, StoreDep
from ..exports.previews import glyph_png
from ..file_types import BINARY, SUFFIXES, media_type
from ..items import item_out
from ..kept_images import find_image
from ..problems import Problem
from ..responses import json_response
from ..schemas.jobs import ItemOut

router = APIRouter(prefix="/v1/jobs/{job_id}/items", tags=["results"])

Index = Annotated[int, Path(ge=0, description="the image's place in the upload, from 0")]

_BYTES = {"schema": {"type": "string", "format": "binary"}}
UPLOADS = dict.fromkeys(SUFFIXES, _BYTES)
PREVIEW = {"image/png": _BYTES}

INERT = {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox"}
"""A browser that opens an upload, whatever it is, runs nothing."""


@router.get("/{index}", response_model=ItemOut)
async def read_item(job: JobDep, store: StoreDep, index: Index) -> Response:
    """One image and its result."""
    return json_response(item_out(job, await require_item(store, job, index)))


@router.get("/{index}/image", response_class=Response, responses={200: {"content": UPLOADS}})
async def read_image(job: JobDep, store: StoreDep, index: Index) -> Response:
    """The image as it was uploaded, while it is kept; pixels of an array as PNG."""
    await require_item(store, job, index)
    image = await find_image(store, job, index)
    if isinstance(image, PixelBlock):
        return _png(await run_sync(glyph_png, image))
    kind = media_type(image)
    headers = INERT | ({"Content-Disposition": "attachment"} if kind == BINARY else {})
    return Response(bytes(image), media_type=kind, headers=headers)


@router.get("/{index}/preview.png", response_class=Response, responses={200: {"content": PREVIEW}})
async def read_preview(
    job: JobDep,
    store: StoreDep,
    cards: CardsDep,
    previews: PreviewsDep,
    index: Index,
    show: Annotated[
        Literal["both", "glyph"],
        Query(description="glyph: for one character, only what the network saw"),
    ] = "both",
) -> Response:
    """The upload beside the 28x28 pixels that the network saw, enlarged; or with a box and a label for
    each character that was found on it. At most 1,600 pixels a side."""
    item = await require_item(store, job, index)
    image = await find_image(store, job, index)
    card = cards.get(job.options.model)
    if show == "glyph" and job.options.layout == "character":
        return _png(await previews.in_thread(lambda: previews.glyph(image, job, card)))
    return _png(await previews.in_thread(lambda: previews.picture(image, job, card, item)))


async def require_item(store: Store, job: Job, index: int) -> Item:
    """Image `index` of a job. Raises `not-found`, JobGone."""
    items = await store.items(job, index, 1)
    if not items:
        raise Problem("not-found", f"The job has images 0 to {job.counts.total - 1}.")
    return items[0]


def _png(data: bytes) -> Response:
    return Response(data, media_type="image/png", headers=INERT)
