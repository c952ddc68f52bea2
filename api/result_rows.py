"""The results of a job known so far, in order, as rows of plain data: in pages and in streams."""

from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import takewhile
from typing import Any

from worker.ledger.jobs import Job
from worker.ledger.results import Answer, Failure, Page
from worker.ledger.store import Item, Store

from .items import item_data, item_out, status_unread
from .schemas.jobs import Only

PAGE = 1000
HELD = 10_000
"""Characters of sheets after which a page of rows ends; its last image may go beyond."""

Row = dict[str, Any]


async def page_of(
    store: Store, looks: AsyncIterator[Job], cursor: int, limit: int, only: Only | None
) -> tuple[Job, list[Row], int]:
    """The first of `looks` that finds any rows, one page of them, and where the next page begins.
    Raises JobGone."""
    async for job, starts in _laid_out(store, looks):
        data, cursor = await _page(store, job, starts, cursor, limit, only)
        if data:
            break
    return job, data, cursor


async def _page(
    store: Store, job: Job, starts: Sequence[int], cursor: int, limit: int, only: Only | None
) -> tuple[list[Row], int]:
    data: list[Row] = []
    place, size = cursor, 0
    async for items in _known(store, job, starts, cursor):
        for item in items:
            if len(data) == limit or size >= HELD:
                return data, place
            place = item.index + 1
            if only is None or _wanted(item, only):
                data.append(item_out(job, item))
                size += _size(data[-1])
    return data, place


async def rows_of(
    store: Store, looks: AsyncIterator[Job], cursor: int, limit: int | None, only: Only | None
) -> AsyncIterator[Iterator[Row]]:
    """All rows that `looks` find, up to `limit`, a stretch at a time; each is built on demand.

    Raises JobGone, so that no part is taken for the whole.
    """
    left = limit
    async for job, starts in _laid_out(store, looks):
        async for items in _known(store, job, starts, cursor):
            cursor += len(items)
            some = [item for item in items if only is None or _wanted(item, only)][:left]
            yield _rows(some, job)
            left = None if left is None else left - len(some)
            if left == 0:
                return


async def _laid_out(store: Store, looks: AsyncIterator[Job]) -> AsyncIterator[tuple[Job, Sequence[int]]]:
    """Each of `looks`, all of one job, with where its chunks start, which is read once."""
    starts: Sequence[int] = ()
    async for job in looks:
        starts = starts or await store.starts(job)
        yield job, starts


async def _known(store: Store, job: Job, starts: Sequence[int], first: int) -> AsyncIterator[list[Item]]:
    """Items in order, many at a time, up to the first without a result; of a final job, all items."""
    step = max(1, PAGE // job.options.weight)
    while items := await store.stretch(job, starts, first, step):
        ready = items if job.state.final else list(takewhile(_is_known, items))
        yield ready
        if len(ready) < len(items):
            return
        first += len(items)


def _rows(items: list[Item], job: Job) -> Iterator[Row]:
    unread = status_unread(job)
    return (item_data(item, job.labels, unread) for item in items)


def _is_known(item: Item) -> bool:
    return item.result is not None


def _wanted(item: Item, only: Only) -> bool:
    if only == "failed":
        return isinstance(item.result, Failure)
    return isinstance(item.result, Answer | Page) and item.result.uncertain


def _size(row: Row) -> int:
    return 1 + len(row.get("text") or "")
