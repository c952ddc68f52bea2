"""Single images of a job: what became of one, its upload, and what the network saw."""

from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Path, Request, Response

from model.card import Card, Recipe
from worker.chunks import ImageFile, PixelBlock
from worker.jobs import Job
from worker.store import Item, Store

from ..answers import json_response
from ..bodies import PROBLEMS
from ..dependencies import JobDep, SettingsDep, StoreDep
from ..problems import Problem
from ..retrying import find_image
from ..schemas import ItemOut, item_out

router = APIRouter(prefix="/v1/jobs/{job_id}/items", tags=["results"], responses=PROBLEMS)

Index = Annotated[int, Path(ge=0, description="the image's place in the upload, from 0")]


@router.get("/{index}", response_model=ItemOut)
async def read_item(job: JobDep, store: StoreDep, index: Index) -> Response:
    """What became of one image."""
    return json_response(item_out(job, await _item(store, job, index)))


@router.get("/{index}/image", response_class=Response)
async def read_image(job: JobDep, store: StoreDep, index: Index) -> Response:
    """The image as it was uploaded, while it is kept; pixels of an array as PNG."""
    await _item(store, job, index)
    image = await find_image(store, job, index)
    if isinstance(image, PixelBlock):
        return _png(await run_sync(_glyph_png, image))
    return Response(bytes(image), media_type="application/octet-stream", headers=_DOWNLOAD)


@router.get("/{index}/preview.png", response_class=Response)
async def read_preview(
    request: Request, job: JobDep, store: StoreDep, settings: SettingsDep, index: Index
) -> Response:
    """The 28x28 pixels that the network saw."""
    await _item(store, job, index)
    image = await find_image(store, job, index)
    if isinstance(image, PixelBlock):
        return _png(await run_sync(_glyph_png, image))
    cards: dict[str, Card] = request.app.state.cards
    card = cards.get(job.options.model)
    recipe = card.recipe if card and job.options.normalize == "auto" else None
    return _png(await run_sync(_preview_png, image, recipe, settings.max_pixels))


_DOWNLOAD = {"Content-Disposition": "attachment"}


async def _item(store: Store, job: Job, index: int) -> Item:
    items = await store.items(job, index, 1)
    if not items:
        raise Problem("not-found", f"The job has images 0 to {job.counts.total - 1}.")
    return items[0]


def _png(data: bytes) -> Response:
    return Response(data, media_type="image/png")


# Pixels are touched by few requests only, so OpenCV is loaded with the first of them.
def _glyph_png(block: PixelBlock) -> bytes:
    import numpy as np

    from model.strokes import png

    return png(np.frombuffer(block.data, np.uint8).reshape(28, 28))


def _preview_png(image: ImageFile, recipe: Recipe | None, max_pixels: int) -> bytes:
    from model.images import BadImage, TooLarge
    from model.normalization import read_glyph
    from model.strokes import png

    try:
        return png(read_glyph(image, recipe, max_pixels))
    except TooLarge as error:
        raise Problem("image-too-large", f"{error}.") from error
    except BadImage as error:
        raise Problem("undecodable-image", f"{error}.") from error
