"""A chunk: some images of a job, packed for Redis by the gateway and opened by a worker.

Pixels: b"A1" and n * 784 bytes. Files: b"F1", a u32 count, (offset, length, page) u32 each, the bytes;
several entries may share bytes, as the pages of one TIFF do. Everything is little-endian.
"""

import json
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

PIXELS, FILES = b"A1", b"F1"
GLYPH_BYTES = 28 * 28
_COUNT = struct.Struct("<I")
_ENTRY = struct.Struct("<III")


class BadChunk(ValueError):
    """The bytes are not a chunk."""


@dataclass(frozen=True)
class ImageFile:
    """One image: the bytes of a file and which page of it is meant."""

    data: bytes | memoryview
    page: int = 0


@dataclass(frozen=True)
class PixelBlock:
    """`data` is n 28x28 images, ink bright on dark, one byte a pixel."""

    data: bytes | memoryview

    def __len__(self) -> int:
        return len(self.data) // GLYPH_BYTES


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
    return _pack_files(content)


def unpack(payload: bytes) -> Content:
    """What `pack` packed, without copying. Raises BadChunk."""
    view = memoryview(payload)
    if payload[:2] == PIXELS and (len(payload) - 2) % GLYPH_BYTES == 0:
        return PixelBlock(view[2:])
    if payload[:2] == FILES:
        try:
            return list(_unpack_files(view))
        except struct.error as error:
            raise BadChunk(f"the table of files is cut off: {error}") from error
    raise BadChunk(f"unknown chunk format {payload[:2]!r}")


def _pack_files(files: Sequence[ImageFile]) -> bytes:
    table, parts, offset = [_COUNT.pack(len(files))], [], 0
    placed: dict[int, int] = {}  # files that share one object's bytes share one copy
    for file in files:
        if id(file.data) not in placed:
            placed[id(file.data)] = offset
            parts.append(file.data)
            offset += len(file.data)
        table.append(_ENTRY.pack(placed[id(file.data)], len(file.data), file.page))
    return b"".join([FILES, *table, *parts])


def _unpack_files(view: memoryview) -> Iterable[ImageFile]:
    (count,) = _COUNT.unpack_from(view, 2)
    data = view[2 + _COUNT.size + count * _ENTRY.size :]
    for index in range(count):
        offset, length, page = _ENTRY.unpack_from(view, 2 + _COUNT.size + index * _ENTRY.size)
        yield ImageFile(data[offset : offset + length], page)
