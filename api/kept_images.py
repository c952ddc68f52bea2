"""A job's images after they were read: any one of them, or all that failed, as far as they are kept."""

from collections.abc import AsyncIterator, Iterator, Sequence

from anyio import from_thread

from worker.ledger.chunks import Files, ImageFile, Opened, PixelBlock, unpack
from worker.ledger.jobs import Job
from worker.ledger.results import Failure
from worker.ledger.store import Item, Store

from .intake.sources import NamedBlock, NamedImage, Part
from .problems import Problem


def failed_parts(store: Store, job: Job) -> Iterator[Part]:
    """The failed images, under their names, for a thread that anyio runs: it waits for one chunk after
    the other. Raises JobGone, or `image-not-kept` if any is missing."""
    chunks = _failed_by_chunk(store, job)
    while parts := from_thread.run(anext, chunks, None):
        yield from parts


async def _failed_by_chunk(store: Store, job: Job) -> AsyncIterator[list[Part]]:
    found, starts = 0, await store.starts(job)
    for chunk, first in enumerate(starts[:-1]):
        items = await store.stretch(job, starts, first, 1)  # all of its chunk
        if failed := [item for item in items if isinstance(item.result, Failure)]:
            found += len(failed)
            yield _parts(await store.packed(job, chunk), first, failed)
    if found != job.counts.failed:
        raise _not_kept()


def _parts(payload: bytes | None, first: int, items: Sequence[Item]) -> list[Part]:
    """Images of the chunk that begins with image `first`. They are copied: otherwise, each would hold
    the whole chunk in memory."""
    if payload is None:
        raise _not_kept()
    content = unpack(payload)
    if isinstance(content, PixelBlock):
        pixels = b"".join(content.at(item.index - first).data for item in items)
        return [NamedBlock(PixelBlock(pixels), tuple(item.name for item in items))]
    return [_part(content, item.index - first, item.name) for item in items]


def _part(content: Files, place: int, name: str) -> Part:
    charset = content.charsets[place] if content.charsets else None
    return NamedImage(name, bytes(content[place]), charset)


def image_at(content: Opened, place: int) -> ImageFile | PixelBlock:
    """One image of a chunk: its file, or its pixels."""
    return content.at(place) if isinstance(content, PixelBlock) else content[place]


async def find_image(store: Store, job: Job, index: int) -> ImageFile | PixelBlock:
    """Image `index` of a job: its file, or its pixels. Raises `image-not-kept`, JobGone."""
    payload, place = await store.payload(job, index)
    if payload is not None:
        image = image_at(unpack(payload), place)
        if isinstance(image, PixelBlock) or image or job.options.keep_images:
            return image
    raise _not_kept()


def _not_kept() -> Problem:
    detail = "Images are kept until they are read; submit with keep_images=true."
    return Problem("image-not-kept", detail)
