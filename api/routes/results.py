"""Results: pages of JSON, or NDJSON and CSV as streams, readable while the job runs; single items."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

import orjson
from anyio.to_thread import run_sync
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from model.card import Card
from worker.chunks import ImageFile, PixelBlock
from worker.jobs import Job
from worker.results import Answer, Failure
from worker.store import Item, Store

from ..bodies import PROBLEMS
from ..dependencies import JobDep, SettingsDep, StoreDep
from ..problems import Problem
from ..retrying import find_image
from ..schemas import ItemOut, ItemPage, item_out

router = APIRouter(prefix="/v1/jobs/{job_id}", tags=["results"], responses=PROBLEMS)

PAGE = 1000
COLUMNS = ("index", "name", "status", "label", "confidence", "uncertain", "top_k", "error")
FORMATS = {"json": "application/json", "ndjson": "application/x-ndjson", "csv": "text/csv"}

Only = Literal["failed", "uncertain"]
Index = Annotated[int, Path(ge=0, description="the image's place in the upload, from 0")]


@router.get(
    "/results",
    response_model=ItemPage,
    responses={200: {"content": {"application/x-ndjson": {}, "text/csv": {}}}},
)
async def read_results(
    request: Request,
    job: JobDep,
    store: StoreDep,
    cursor: Annotated[int, Query(ge=0, description="from this image on")] = 0,
    limit: Annotated[int | None, Query(ge=1, le=PAGE)] = None,
    only: Only | None = None,
    format: Literal["json", "ndjson", "csv"] | None = None,
) -> Response:
    """Results in the order of upload, as far as they are known without a gap.

    JSON comes in pages. NDJSON and CSV come whole unless `limit` is given; the header
    `Inkqueue-Complete` says whether the job was final when the answer began.
    """
    kind = format or _accepted(request.headers.get("accept", ""))
    if kind == "json":
        return await _page(store, job, cursor, limit or PAGE, only)
    rows = _rows(store, job, cursor, limit, only)
    body = _ndjson(rows) if kind == "ndjson" else _csv(rows)
    headers = {"Inkqueue-Complete": str(job.state.final).lower()}
    return StreamingResponse(body, headers=headers, media_type=FORMATS[kind])


@router.get("/items/{index}", response_model=ItemOut)
async def read_item(job: JobDep, store: StoreDep, index: Index) -> Response:
    """What became of one image."""
    return _json(item_out(job, await _item(store, job, index)))


@router.get("/items/{index}/image", response_class=Response)
async def read_image(job: JobDep, store: StoreDep, index: Index) -> Response:
    """The image as it was uploaded, while it is kept; pixels of an array as PNG."""
    await _item(store, job, index)
    image = await find_image(store, job, index)
    if isinstance(image, PixelBlock):
        return _png(await run_sync(_glyph_png, image))
    return Response(bytes(image.data), media_type="application/octet-stream", headers=_DOWNLOAD)


@router.get("/items/{index}/preview.png", response_class=Response)
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


async def _page(store: Store, job: Job, cursor: int, limit: int, only: Only | None) -> Response:
    data: list[dict[str, Any]] = []
    place = cursor
    async for item in _known(store, job, cursor):
        if len(data) == limit:
            break
        place = item.index + 1
        if _wanted(item, only):
            data.append(item_out(job, item))
    done = job.state.final and place >= job.counts.total
    page = {"data": data, "next_cursor": None if done else place, "complete": job.state.final}
    return _json(page)


async def _rows(
    store: Store, job: Job, cursor: int, limit: int | None, only: Only | None
) -> AsyncIterator[dict[str, Any]]:
    sent = 0
    async for item in _known(store, job, cursor):
        if sent == limit:
            return
        if _wanted(item, only):
            sent += 1
            yield item_out(job, item)


async def _known(store: Store, job: Job, first: int) -> AsyncIterator[Item]:
    """Items in order until one is still to come; of a final job, all of them."""
    while items := await store.items(job, first, PAGE):
        for item in items:
            if item.result is None and not job.state.final:
                return
            yield item
        first += PAGE


def _wanted(item: Item, only: Only | None) -> bool:
    if only == "failed":
        return isinstance(item.result, Failure)
    if only == "uncertain":
        return isinstance(item.result, Answer) and item.result.uncertain
    return True


async def _ndjson(rows: AsyncIterator[dict[str, Any]]) -> AsyncIterator[bytes]:
    async for lines in _gathered(rows):
        yield b"".join(orjson.dumps(row) + b"\n" for row in lines)


async def _csv(rows: AsyncIterator[dict[str, Any]]) -> AsyncIterator[str]:
    yield ",".join(COLUMNS) + "\r\n"
    async for lines in _gathered(rows):
        text = io.StringIO()
        csv.writer(text).writerows(_cells(row) for row in lines)
        yield text.getvalue()


async def _gathered(rows: AsyncIterator[dict[str, Any]]) -> AsyncIterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    async for row in rows:
        batch.append(row)
        if len(batch) == PAGE:
            yield batch
            batch = []
    if batch:
        yield batch


def _cells(row: dict[str, Any]) -> list[Any]:
    likely = " ".join(f"{each['label']}:{each['p']:.4f}" for each in row.get("top_k", ()))
    error = row.get("error", {}).get("type")
    plain = [row.get(column) for column in COLUMNS[:6]]
    return [*plain, likely, error]


def _accepted(accept: str) -> Literal["json", "ndjson", "csv"]:
    if "application/x-ndjson" in accept:
        return "ndjson"
    if "text/csv" in accept:
        return "csv"
    if not accept or any(kind in accept for kind in ("application/json", "application/*", "*/*")):
        return "json"
    raise Problem("not-acceptable", f"Results come as {', '.join(FORMATS.values())}.")


def _json(data: Any) -> Response:
    return Response(orjson.dumps(data), media_type="application/json")


def _png(data: bytes) -> Response:
    return Response(data, media_type="image/png")


# Pixels are touched by few requests only, so OpenCV is loaded with the first of them.
def _glyph_png(block: PixelBlock) -> bytes:
    import numpy as np

    from model.strokes import png

    return png(np.frombuffer(block.data, np.uint8).reshape(28, 28))


def _preview_png(image: ImageFile, recipe: Any, max_pixels: int) -> bytes:
    from model.images import BadImage
    from model.normalization import read_glyph
    from model.strokes import png

    try:
        return png(read_glyph(image.data, image.page, recipe, max_pixels))
    except BadImage as error:
        raise Problem("undecodable-image", f"{error}.") from error
