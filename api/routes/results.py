"""Results: pages of JSON, or NDJSON and CSV as streams, readable while the job runs."""

import csv
import io
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import takewhile
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from worker.jobs import Job
from worker.results import Answer, Failure, Page
from worker.store import Item, Store

from ..answers import json_response
from ..dependencies import JobDep, StoreDep
from ..items import item_out
from ..problems import Problem
from ..rows import COLUMNS, cells
from ..schemas import ItemPage

router = APIRouter(prefix="/v1/jobs/{job_id}", tags=["results"])

PAGE = 1000
HELD = 10_000
"""Characters of pages, lines and grids that are held at once; an image with more of them comes alone."""
LAST = (1 << 63) - 1
"""Larger numbers cannot be written as JSON here; no image has one."""
FORMATS = {"json": "application/json", "ndjson": "application/x-ndjson", "csv": "text/csv"}

Only = Literal["failed", "uncertain"]


@router.get(
    "/results",
    response_model=ItemPage,
    responses={200: {"content": {"application/x-ndjson": {}, "text/csv": {}}}},
)
async def read_results(
    request: Request,
    job: JobDep,
    store: StoreDep,
    cursor: Annotated[int, Query(ge=0, le=LAST, description="from this image on")] = 0,
    limit: Annotated[int | None, Query(ge=1, le=PAGE)] = None,
    only: Only | None = None,
    format: Literal["json", "ndjson", "csv"] | None = None,
) -> Response:
    """Results in the order of upload, as far as they are known without a gap.

    JSON comes in pages, of fewer than `limit` where images are many characters. NDJSON and CSV come
    whole unless `limit` is given; the header `Inkqueue-Complete` says whether the job was final when
    the answer began.
    """
    kind = format or _accepted(request.headers.get("accept", ""))
    if kind == "json":
        return await _page(store, job, cursor, limit or PAGE, only)
    rows = _rows(store, job, cursor, limit, only)
    body = _ndjson(rows) if kind == "ndjson" else _csv(rows)
    headers = {"Inkqueue-Complete": str(job.state.final).lower()}
    return StreamingResponse(body, headers=headers, media_type=FORMATS[kind])


async def _page(store: Store, job: Job, cursor: int, limit: int, only: Only | None) -> Response:
    data: list[dict[str, Any]] = []
    place, size = cursor, 0
    async for items in _known(store, job, cursor):
        for item in items:
            if len(data) == limit or size >= HELD:
                break
            place = item.index + 1
            if _wanted(item, only):
                data.append(item_out(job, item))
                size += _size(data[-1])
        else:
            continue
        break
    done = job.state.final and place >= job.counts.total
    page = {"data": data, "next_cursor": None if done else place, "complete": job.state.final}
    return json_response(page)


async def _rows(
    store: Store, job: Job, cursor: int, limit: int | None, only: Only | None
) -> AsyncIterator[list[dict[str, Any]]]:
    left = limit
    async for items in _known(store, job, cursor):
        rows = [item_out(job, item) for item in items if _wanted(item, only)][:left]
        for portion in _portions(rows):
            yield portion
        left = None if left is None else left - len(rows)
        if left == 0:
            return


async def _known(store: Store, job: Job, first: int) -> AsyncIterator[list[Item]]:
    """Items in order, many at a time, until one is still to come; of a final job, all of them."""
    step = max(1, PAGE // job.options.weight)
    while items := await store.items(job, first, step):
        ready = items if job.state.final else list(takewhile(lambda item: item.result, items))
        yield ready
        if len(ready) < len(items):
            return
        first += step


def _wanted(item: Item, only: Only | None) -> bool:
    if only == "failed":
        return isinstance(item.result, Failure)
    if only == "uncertain":
        return isinstance(item.result, Answer | Page) and item.result.uncertain
    return True


def _size(row: dict[str, Any]) -> int:
    return 1 + len(row.get("text") or "")


async def _ndjson(rows: AsyncIterator[list[dict[str, Any]]]) -> AsyncIterator[bytes]:
    async for lines in rows:
        yield b"".join([orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in lines])


async def _csv(rows: AsyncIterator[list[dict[str, Any]]]) -> AsyncIterator[str]:
    yield ",".join(COLUMNS) + "\r\n"
    async for lines in rows:
        text = io.StringIO()
        csv.writer(text).writerows(cells(row) for row in lines)
        yield text.getvalue()


def _portions(rows: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Of at most HELD characters, or one row."""
    portion: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        portion.append(row)
        size += _size(row)
        if size >= HELD:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


def _accepted(accept: str) -> Literal["json", "ndjson", "csv"]:
    if "application/x-ndjson" in accept:
        return "ndjson"
    if "text/csv" in accept:
        return "csv"
    if not accept or any(kind in accept for kind in ("application/json", "application/*", "*/*")):
        return "json"
    raise Problem("not-acceptable", f"Accept one of {', '.join(FORMATS.values())}.")
