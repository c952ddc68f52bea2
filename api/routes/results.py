"""Results: pages of JSON, or NDJSON and CSV as streams, readable while the job runs."""

import csv
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from worker.ledger.jobs import Job

from ..csv_rows import COLUMNS, cells
from ..dependencies import JobDep, SettingsDep, StoreDep, WaitingDep
from ..openapi.examples import CSV, NDJSON
from ..problems import Problem
from ..responses import json_response
from ..result_rows import PAGE, Row, page_of, rows_of
from ..schemas.jobs import ItemPage, Only

router = APIRouter(prefix="/v1/jobs/{job_id}", tags=["results"])

LAST = (1 << 63) - 1
"""Larger numbers cannot be written as JSON here; no image has so large an index."""
SENT = 1 << 17
"""Bytes of a stream to collect before they are sent."""

_QUALITY = re.compile(r";\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*(?:;|$)", re.IGNORECASE)

Format = Literal["json", "ndjson", "csv"]
FORMATS: Mapping[Format, str] = {
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "csv": "text/csv",
}
TEXTS = {FORMATS["ndjson"]: {"example": NDJSON}, FORMATS["csv"]: {"example": CSV}}


@router.get(
    "/results",
    response_model=ItemPage,
    responses={200: {"content": TEXTS}},
)
async def read_results(
    request: Request,
    job: JobDep,
    store: StoreDep,
    waiting: WaitingDep,
    settings: SettingsDep,
    cursor: Annotated[int, Query(ge=0, le=LAST, description="from this image on")] = 0,
    limit: Annotated[int | None, Query(ge=1, le=PAGE)] = None,
    only: Only | None = None,
    format: Format | None = None,
    wait: Annotated[
        float, Query(ge=0, allow_inf_nan=False, description="seconds to wait for results still to come")
    ] = 0,
) -> Response:
    """Results in the order of upload, up to the first image that has none yet.

    JSON comes in pages, with fewer than `limit` results if images hold many characters; with `wait`, as
    soon as there is a result. NDJSON and CSV come whole unless `limit` is given; with `wait` they go on
    as results become known, until the job is final or the time is over (a minute at most, unless the
    gateway is set otherwise); continue from there with `cursor`. The header `Inkqueue-Complete` says
    whether the job was final when the answer began.
    """
    looks = waiting.looks(job, min(wait, settings.max_wait))
    kind = format or _accepted(request.headers.get("accept", ""))
    if kind == "json":
        return _page(*await page_of(store, looks, cursor, limit or PAGE, only))
    rows = rows_of(store, looks, cursor, limit, only)
    body = _ndjson(rows) if kind == "ndjson" else _csv(rows)
    headers = {"Inkqueue-Complete": str(job.state.final).lower()}
    return StreamingResponse(body, headers=headers, media_type=FORMATS[kind])


def _page(job: Job, data: list[Row], place: int) -> Response:
    done = job.state.final and place >= job.counts.total
    page = {"data": data, "next_cursor": None if done else place, "complete": job.state.final}
    return json_response(page)


async def _ndjson(stretches: AsyncIterator[Iterator[Row]]) -> AsyncIterator[bytes]:
    async for rows in stretches:
        for part in _parts(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows):
            yield part


async def _csv(stretches: AsyncIterator[Iterator[Row]]) -> AsyncIterator[bytes]:
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    async for rows in stretches:
        for part in _parts(writer.writerow(cells(row)) for row in rows):
            yield part


class _Echo:
    """A file for a CSV writer, which returns each line to its caller."""

    def write(self, line: str) -> bytes:
        return line.encode()


def _parts(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Lines joined into parts worth sending. Nothing of a row outlives its line: rows would fill the
    cache, and lines that are kept cost more than making them."""
    part = bytearray()
    for line in lines:
        part += line
        if len(part) >= SENT:
            yield bytes(part)
            part.clear()
    if part:
        yield bytes(part)


def _accepted(accept: str) -> Format:
    """The format that an Accept header prefers; among equals, the first of FORMATS."""
    weights = [_quality(accept, media_type) for media_type in FORMATS.values()]
    if not max(weights):
        raise Problem("not-acceptable", f"Accept one of {', '.join(FORMATS.values())}.")
    return list(FORMATS)[weights.index(max(weights))]


def _quality(accept: str, media_type: str) -> float:
    """How much an Accept header (RFC 9110, 12.5.1) prefers a media type, from 0 (not acceptable) to 1:
    by the most specific range that matches. Without the header, 1."""
    if not accept.strip():
        return 1.0
    kind = media_type.partition("/")[0]
    weights = dict(map(_weight, accept.split(",")))
    return next((weights[each] for each in (media_type, f"{kind}/*", "*/*") if each in weights), 0.0)


def _weight(part: str) -> tuple[str, float]:
    match = _QUALITY.search(part)
    return part.partition(";")[0].strip().lower(), float(match[1]) if match else 1.0
