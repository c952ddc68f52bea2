"""A chunk: some images of a job, packed for Redis by the gateway and opened by a worker. Little-endian.

Pixels: b"A1" and n * 784 bytes. Files: b"F1", a u32 count, a u32 length each, the files. Files of which
some have their own charset: b"F2", count and lengths, a u32 length, the charsets as JSON, the files.
"""

import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TypeAlias

PIXELS, FILES, FILES_BY_CHARSET = b"A1", b"F1", b"F2"
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


ImageFile: TypeAlias = bytes | memoryview


@dataclass(frozen=True)
class Files:
    """Image files, and the charset of each (None: that of the job); `()` if none has its own."""

    files: Sequence[ImageFile]
    charsets: Sequence[str | None] = ()

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[ImageFile]:
        return iter(self.files)

    def __getitem__(self, index: int) -> ImageFile:
        return self.files[index]

    def at(self, index: int) -> "Files":
        """One of the files."""
        return self.part(range(index, index + 1))

    def part(self, some: range) -> "Files":
        """Some of the files."""
        place = slice(some.start, some.stop)
        return Files(self.files[place], self.charsets[place])


Opened: TypeAlias = PixelBlock | Files
Content: TypeAlias = Opened | Sequence[ImageFile]


@dataclass(frozen=True)
class Chunk:
    """A packed chunk, how many images it holds, and their names (none: they are numbered)."""

    count: int
    payload: bytes
    names: tuple[str, ...] | None = None

    @cached_property
    def names_json(self) -> bytes:
        """The names as JSON; empty if there are none."""
        return json.dumps(self.names).encode() if self.names else b""


def pack(content: Content) -> bytes:
    """The bytes of a chunk."""
    if isinstance(content, PixelBlock):
        return PIXELS + content.data
    lengths = struct.pack(f"<{len(content)}I", *map(len, content))
    head = [_COUNT.pack(len(content)), lengths]
    if not (isinstance(content, Files) and any(content.charsets)):
        return b"".join([FILES, *head, *content])
    charsets = json.dumps(list(content.charsets)).encode()
    return b"".join([FILES_BY_CHARSET, *head, _COUNT.pack(len(charsets)), charsets, *content])


def unpack(payload: bytes) -> Opened:
    """What `pack` packed, without copying. Raises BadChunk."""
    view = memoryview(payload)
    if payload[:2] == PIXELS and (len(payload) - 2) % GLYPH_BYTES == 0:
        return PixelBlock(view[2:])
    if payload[:2] not in (FILES, FILES_BY_CHARSET):
        raise BadChunk(f"unknown chunk format {payload[:2]!r}")
    try:
        (count,) = _COUNT.unpack_from(view, 2)
        lengths = struct.unpack_from(f"<{count}I", view, 2 + _COUNT.size)
        rest = view[2 + _COUNT.size * (1 + count) :]
        charsets, rest = _charsets(rest, count) if payload[:2] == FILES_BY_CHARSET else ((), rest)
    except struct.error as error:
        raise BadChunk(f"the lengths of the files are cut off: {error}") from error
    return Files(list(_files(rest, lengths)), charsets)


def _charsets(view: memoryview, count: int) -> tuple[Sequence[str | None], memoryview]:
    """The charsets of `count` files, and what comes after them."""
    (length,) = _COUNT.unpack_from(view)
    end = _COUNT.size + length
    if end > len(view):
        raise BadChunk("the charsets of the files are cut off")
    try:
        charsets = json.loads(bytes(view[_COUNT.size : end]))
    except (ValueError, RecursionError) as error:
        raise BadChunk(f"the charsets of the files are not JSON: {error}") from error
    if not isinstance(charsets, list) or len(charsets) != count:
        raise BadChunk("there is not a charset for each file")
    if not all(each is None or isinstance(each, str) for each in charsets):
        raise BadChunk("a charset is not text")
    return charsets, view[end:]


def _files(data: memoryview, lengths: Sequence[int]) -> Iterator[ImageFile]:
    if sum(lengths) != len(data):
        raise BadChunk(f"the files should have {sum(lengths)} bytes and have {len(data)}")
    for end, length in zip(accumulate(lengths), lengths, strict=True):
        yield data[end - length : end]
