"""Which images of a job an export holds, under which names, and in which form."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from anyio.to_thread import run_sync

from model.card import Card
from worker.ledger.chunks import ImageFile, Opened, PixelBlock, unpack
from worker.ledger.jobs import Job
from worker.ledger.results import Page
from worker.ledger.store import Item, Store

from ..file_types import SUFFIXES, media_type
from ..items import item_out
from ..kept_images import image_at
from ..problems import Problem
from .archive import File
from .naming import UNREAD, folder_of, label_of, path_of
from .previews import Previews, glyph_png
from .sheets import glyphs_by_box, labelled


@dataclass(frozen=True)
class Export:
    """Images of a job by label: all, or those `checked` by a person; as `glyphs`, or as uploaded."""

    job: Job
    card: Card | None
    checked: bool
    glyphs: bool
    previews: Previews

    @property
    def _many(self) -> bool:
        """Whether an image may hold many characters."""
        return self.job.options.layout != "character"

    async def files(self, store: Store, first: int, after: int) -> AsyncIterator[list[File]]:
        """The files of the images from `first` to before `after`; one chunk at a time is in memory.

        Raises JobGone if the job goes meanwhile, and `not-ready` if images cannot be decoded, so that no
        part is taken for the whole.
        """
        for chunk, (start, end) in enumerate(pairwise(await store.starts(self.job))):
            if end <= first or start >= after:
                continue
            items = [each for each in await store.chunk(self.job, chunk) if first <= each.index < after]
            packed = await store.packed(self.job, chunk)
            wanted = [item for item in items if self._wants(item)]
            if packed is not None and wanted:
                cut = partial(self._cut, unpack(packed), start, wanted)
                yield await (self.previews.in_thread(cut) if self.glyphs else run_sync(cut))

    def _wants(self, item: Item) -> bool:
        if self.checked:
            return item.correction is not None
        return not self.glyphs or isinstance(item.result, Page) or label_of(self.job, item) is not None

    def _cut(self, content: Opened, start: int, items: list[Item]) -> list[File]:
        files: list[File] = []
        for item in items:
            image = image_at(content, item.index - start)
            files += self._glyphs(item, image) if self.glyphs else self._upload(item, image)
        return files

    def _glyphs(self, item: Item, image: ImageFile | PixelBlock) -> list[File]:
        """An image's characters by label; none if it cannot be read, as its result says."""
        try:
            return list(self._characters(item, image))
        except Problem as problem:
            if problem.slug == "not-ready":
                raise
            return []

    def _characters(self, item: Item, image: ImageFile | PixelBlock) -> Iterator[File]:
        if isinstance(image, PixelBlock) or not self._many:
            folder = folder_of(label_of(self.job, item) or "", self.job.labels)
            yield f"{path_of(folder, item)}.png", self.previews.glyph(image, self.job, self.card)
            return
        cut = glyphs_by_box(self.previews.characters(image, self.job, self.card), item)
        for place, (box, label) in enumerate(labelled(self.job, item)):
            if box in cut:
                path = path_of(folder_of(label, self.job.labels), item)
                yield f"{path}-{place:04d}.png", glyph_png(PixelBlock(cut[box].pixels.tobytes()))

    def _upload(self, item: Item, image: ImageFile | PixelBlock) -> Iterator[File]:
        """A file as it was uploaded, and beside a page its text, even if only a person gave it."""
        path = path_of(self._folder(item), item)
        if data := glyph_png(image) if isinstance(image, PixelBlock) else bytes(image):
            yield path + SUFFIXES[media_type(data)], data
            text = item.correction or item_out(self.job, item).get("text")
            if self._many and text is not None:
                yield f"{path}.txt", text.encode()

    def _folder(self, item: Item) -> str:
        if isinstance(item.result, Page):
            return self.job.options.layout
        label = None if self._many else label_of(self.job, item)
        return UNREAD if label is None else folder_of(label, self.job.labels)
