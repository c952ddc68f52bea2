"""Which images of a job an export holds, under which names, and as what."""

import re
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from anyio.to_thread import run_sync

from model.card import Card
from worker.chunks import ImageFile, Opened, PixelBlock, unpack
from worker.jobs import Job
from worker.results import Answer, Page
from worker.store import Item, Store

from ..dependencies import require_job
from ..problems import Problem
from ..retrying import image_at
from ..schemas import item_out
from .archive import File
from .media import SUFFIXES, media_type
from .previews import Previews, glyph_png

UNREAD = "unread"
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Export:
    """Images of a job by label: those a person labelled or all, as glyphs or as they were sent."""

    job: Job
    card: Card | None
    checked: bool
    glyphs: bool
    previews: Previews

    @property
    def _many(self) -> bool:
        """Whether an image is many characters."""
        return self.job.options.layout != "character"

    async def files(self, store: Store, first: int, after: int) -> AsyncIterator[list[File]]:
        """The files of images `first` to `after`: a chunk at a time is in memory.

        Raises `not-found` or `job-expired` where the job goes meanwhile, and `not-ready` where images
        cannot be decoded: no part passes for the whole.
        """
        name = self.job.name
        for chunk, (start, end) in enumerate(pairwise(await store.starts(name))):
            if end <= first or start >= after:
                continue
            items = [each for each in await store.chunk(name, chunk) if first <= each.index < after]
            packed = await store.packed(name, chunk)
            if packed is None:
                require_job(await store.job(name))
            elif wanted := [item for item in items if self._wants(item)]:
                cut = partial(self._cut, unpack(packed), start, wanted)
                yield await (self.previews.apart(cut) if self.glyphs else run_sync(cut))

    def _wants(self, item: Item) -> bool:
        if self.checked:
            return item.correction is not None
        return label_of(self.job, item) is not None or not self.glyphs

    def _cut(self, content: Opened, start: int, items: list[Item]) -> list[File]:
        files: list[File] = []
        for item in items:
            image = image_at(content, item.index - start)
            if data := self._glyph(image) if self.glyphs else _upload(image):
                path = self._path(item, data)
                files += [(path, data), *self._text(item, path)]
        return files

    def _text(self, item: Item, path: str) -> list[File]:
        """Beside a page, what is written on it: as a person says, else as it was read."""
        text = item.correction if self._many else None
        if text is None and isinstance(item.result, Page):
            text = item_out(self.job, item)["text"]
        return [] if text is None else [(f"{path.rpartition('.')[0]}.txt", text.encode())]

    def _path(self, item: Item, data: bytes) -> str:
        folder = self._folder(item)
        stem = _UNSAFE.sub("_", item.name.rsplit("/", 1)[-1].rsplit(".", 1)[0])[:60]
        return f"{folder}/{item.index:06d}-{stem}{SUFFIXES[media_type(data)]}"

    def _folder(self, item: Item) -> str:
        """Pages are in one, by their layout; what nobody could read is in another."""
        if self._many:
            return self.job.options.layout if isinstance(item.result, Page) else UNREAD
        label = label_of(self.job, item)
        return UNREAD if label is None else folder_of(label, self.job.labels)

    def _glyph(self, image: ImageFile | PixelBlock) -> bytes | None:
        try:
            return self.previews.png(image, self.job, self.card)
        except Problem as problem:
            if problem.slug == "not-ready":
                raise
            return None  # its result says why


def _upload(image: ImageFile | PixelBlock) -> bytes:
    return glyph_png(image) if isinstance(image, PixelBlock) else bytes(image)


def label_of(job: Job, item: Item) -> str | None:
    """What an image is: as a person says, else as it was read."""
    if item.correction is None and isinstance(item.result, Answer):
        return job.labels[item.result.classes[0]]
    return item.correction


def folder_of(label: str, labels: str) -> str:
    """A folder's name that every disk takes and `training` reads as `label`.

    Where both cases are labels, they are spelled out, since some disks hold A and a for one. What no
    folder should be called is the number of its class.
    """
    if not (label.isalnum() and unicodedata.is_normalized("NFD", label)):
        return f"{labels.index(label):04d}"
    if label.swapcase() in labels and label.swapcase() != label:
        return f"{'upper' if label.isupper() else 'lower'}_{label}"
    return label
