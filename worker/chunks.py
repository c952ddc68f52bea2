"""A chunk: some images of a job, packed for Redis by the gateway and opened by a worker.

Pixels: b"A1" and n * 784 bytes. Files: b"F1", a u32 count, a u32 length each, the files. Little-endian.
"""

import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

PIXELS, FILES = b"A1", b"F1"
GLYPH_BYTES = 28 * 28
_COUNT = struct.Struct("<I")


class BadChunk(ValueError):
    """The bytes are not a chunk."""


@dataclass(frozen=True)
class PixelBlock:
    """`data` is n 28x28 images, ink bright on dark, one byte a pixel."""

    data: bytes | memoryview

    def __len__(self) -> int:
        return len(self.data) // GLYPH_BYTES

    def at(self, index: int) -> "PixelBlock":
        """One image of the block."""
        return self.part(range(index, index + 1))

    def part(self, some: range) -> "PixelBlock":
        """Some images of the block."""
        return PixelBlock(self.data[some.start * GLYPH_BYTES : some.stop * GLYPH_BYTES])


ImageFile = bytes | memoryview
Content = PixelBlock | Sequence[ImageFile]


@dataclass(frozen=True)
class Chunk:
    """A packed chunk, how many images it holds, and their names (none: they are numbered)."""

    count: int
    payload: bytes
    names: tuple[str, ...] | None = None

    def names_json(self) -> bytes | None:
        """The names as JSON, None where there are none."""
        return json.dumps(self.names).encode() if self.names else None


def pack(content: Content) -> bytes:
    """The bytes of a chunk."""
    if isinstance(content, PixelBlock):
        return PIXELS + content.data
    lengths = struct.pack(f"<{len(content)}I", *map(len, content))
    return b"".join([FILES, _COUNT.pack(len(content)), lengths, *content])


def unpack(payload: bytes) -> Content:
    """What `pack` packed, without copying. Raises BadChunk."""
    view = memoryview(payload)
    if payload[:2] == PIXELS and (len(payload) - 2) % GLYPH_BYTES == 0:
        return PixelBlock(view[2:])
    if payload[:2] == FILES:
        return list(_files(view))
    raise BadChunk(f"unknown chunk format {payload[:2]!r}")


def _files(view: memoryview) -> Iterator[ImageFile]:
    try:
        (count,) = _COUNT.unpack_from(view, 2)
        lengths = struct.unpack_from(f"<{count}I", view, 2 + _COUNT.size)
    except struct.error as error:
        raise BadChunk(f"the lengths of the files are cut off: {error}") from error
    data = view[2 + _COUNT.size * (1 + count) :]
    if sum(lengths) != len(data):
        raise BadChunk(f"the files should have {sum(lengths)} bytes and have {len(data)}")
    for end, length in zip(accumulate(lengths), lengths, strict=True):
        yield data[end - length : end]
