"""The images of a job that failed, found again in what its chunks kept of them."""

from collections.abc import Sequence

from worker.chunks import ImageFile, PixelBlock, unpack
from worker.jobs import Job
from worker.results import Failure
from worker.store import Store

from .intake.sources import NamedImage, Part
from .problems import Problem

PAGE = 1000


async def failed_parts(store: Store, job: Job) -> Sequence[Part]:
    """The failed images, named as they were. Raises `image-not-kept`."""
    parts: list[Part] = []
    for first in range(0, job.counts.total, PAGE):
        for item in await store.items(job, first, PAGE):
            if isinstance(item.result, Failure):
                parts.append(await _part(store, job, item.index, item.name))
    return parts


async def _part(store: Store, job: Job, index: int, name: str) -> Part:
    kept = await find_image(store, job, index)
    if isinstance(kept, PixelBlock):
        return kept
    return NamedImage(name, kept)


async def find_image(store: Store, job: Job, index: int) -> ImageFile | PixelBlock:
    """Image `index` of a job: its file, or its pixels. Raises `image-not-kept`."""
    payload, place = await store.payload(job.name, index)
    if payload is not None:
        content = unpack(payload)
        if isinstance(content, PixelBlock):
            return content.at(place)
        if content[place] or job.options.keep_images:
            return content[place]
    raise Problem("image-not-kept", "Images are kept until they are read; submit with keep_images=true.")
