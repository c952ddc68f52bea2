"""A job's images after they were read: any one of them, or all that failed, as far as they are kept."""

from collections.abc import Sequence

from worker.ledger.chunks import ImageFile, Opened, PixelBlock, unpack
from worker.ledger.jobs import Job
from worker.ledger.results import Failure
from worker.ledger.store import Store

from .intake.sources import NamedImage, Part
from .problems import Problem


async def failed_parts(store: Store, job: Job) -> Sequence[Part]:
    """The failed images, under their names. Raises JobGone, or `image-not-kept` if any is missing."""
    parts: list[Part] = []
    async for first, payload in store.kept(job):
        content = unpack(payload)
        for item in await store.items(job, first, len(content)):
            if isinstance(item.result, Failure):
                parts.append(_part(content, item.index - first, item.name))
    if len(parts) != job.counts.failed:
        raise _not_kept()
    return parts


def _part(content: Opened, place: int, name: str) -> Part:
    if isinstance(content, PixelBlock):
        return content.at(place)
    charset = content.charsets[place] if content.charsets else None
    return NamedImage(name, content[place], charset)


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
