"""Cuts images of all kinds, in order, into chunks of a size that suits workers."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from worker.ledger.chunks import Chunk, Content, Files, ImageFile, pack

from ..problems import Problem
from ..settings import GatewaySettings
from .sources import NamedBlock, NamedImage, Part

MOST_CHUNKS = 20_000
"""Chunks of a job: while it is submitted or deleted, Redis does nothing else for some us for each."""


@dataclass
class Cutter:
    """Counts and fingerprints what it cuts; `weight` is roughly the number of characters in an image.
    So far it has cut `images`, into chunks of these `sizes`."""

    settings: GatewaySettings
    weight: int
    images: int = 0
    sizes: list[int] = field(default_factory=list)
    first_name: str = "0"
    fingerprint: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def cut(self, parts: Iterable[Part]) -> Iterator[Chunk]:
        """The chunks of `parts`, in order. Raises `too-many-images`."""
        waiting: list[NamedImage] = []
        size = 0
        for part in parts:
            if waiting and (isinstance(part, NamedBlock) or self._is_full(len(waiting), size, part)):
                yield self._chunk(_files(waiting), self._names(waiting))
                waiting, size = [], 0
            if isinstance(part, NamedBlock):
                yield self._chunk(*part)
            else:
                waiting.append(part)
                size += len(part.file)
        if waiting:
            yield self._chunk(_files(waiting), self._names(waiting))

    def alone(self, file: ImageFile) -> Chunk:
        """The chunk of one image without a name. Raises `too-many-images`."""
        return self._chunk(Files([file]), None)

    def _is_full(self, count: int, size: int, part: NamedImage) -> bool:
        most = self.settings.chunk_images // self.weight
        return count >= most or size + len(part.file) > self.settings.chunk_bytes

    def _names(self, images: list[NamedImage]) -> tuple[str, ...] | None:
        if not any(each.name for each in images):
            return None
        return tuple(each.name or str(place) for place, each in enumerate(images, self.images))

    def _chunk(self, content: Content, names: tuple[str, ...] | None) -> Chunk:
        count = len(content)
        self._require_room(count)
        if names and not self.sizes:
            self.first_name = names[0]
        chunk = Chunk(count, pack(content), names)
        self.sizes.append(count)
        self.images += count
        self.fingerprint.update(chunk.payload)
        self.fingerprint.update(chunk.names_json)
        return chunk

    def _require_room(self, count: int) -> None:
        most = self.settings.max_images
        if self.images + count > most:
            detail = f"A job takes at most {most} images; send the rest as another."
            raise Problem("too-many-images", detail, limit=most)
        if len(self.sizes) == MOST_CHUNKS:
            detail = f"A job takes only the first {self.images} of these; send the rest as another job."
            raise Problem("too-many-images", detail, limit=self.images)


def _files(images: Sequence[NamedImage]) -> Files:
    return Files([each.file for each in images], [each.charset for each in images])
