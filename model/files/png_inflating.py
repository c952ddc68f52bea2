"""Inflates the pixels of PNGs by libdeflate, which takes a fraction of the time of OpenCV's zlib.

OpenCV is then given them stored: in the format of zlib, but not compressed.
"""

import struct
from collections.abc import Sequence

import deflate

from .headers import PNG, PNG_CHANNELS, PNG_SHAPE, png_chunks

LEAST_BYTES, MOST_BYTES = 1 << 11, 1 << 24
"""Of inflated pixels: for fewer, this takes longer than it saves; for more, memory matters more."""

MOST_PARTS = 1 << 12
"""Of a PNG's pixels: a list of a million empty ones would take far more memory than the file."""

_WORD = struct.Struct(">I")
_INTERLACING = slice(28, 29)
_WINDOW, _LARGEST_WINDOW = 256, 32768
"""Windows of deflate (RFC 1950, 2.2); libdeflate lets a stream exceed its window."""


def with_stored_pixels(file: bytes) -> bytes:
    """A PNG with its pixels stored; `file` itself if they are too few, too many or unsound."""
    size = _inflated_bytes(file) if file.startswith(PNG) else 0
    if not LEAST_BYTES <= size <= MOST_BYTES or file.count(b"IDAT") > MOST_PARTS:
        return file
    parts = [(start, end) for kind, start, end in png_chunks(file) if kind == b"IDAT"]
    if not parts:
        return file
    first, last = parts[0][0] - 8, parts[-1][1] + 4
    packed = b"".join(file[start:end] for start, end in parts)
    if len(packed) + 12 * len(parts) != last - first:  # something else is between them
        return file
    rows = inflated(packed, size)
    return file if rows is None else b"".join((file[:first], *stored(rows), file[last:]))


def inflated(packed: bytes, size: int) -> bytearray | None:
    """The `size` bytes that are in a sound zlib stream; None if it is not sound, or has not as many."""
    if not packed or _WINDOW << (packed[0] >> 4) < min(size, _LARGEST_WINDOW):
        return None
    try:
        found = deflate.zlib_decompress(packed, size)
    except deflate.DeflateError:
        return None
    return found if len(found) == size else None


def stored(rows: bytes | bytearray) -> Sequence[bytes | bytearray]:
    """An IDAT chunk with these bytes, in pieces."""
    return chunk(b"IDAT", deflate.zlib_compress(rows, 0))


def chunk(kind: bytes, data: bytes | bytearray) -> Sequence[bytes | bytearray]:
    """The pieces of a chunk of a PNG, to be copied but once, with the rest of the file."""
    check = deflate.crc32(data, deflate.crc32(kind))
    return _WORD.pack(len(data)), kind, data, _WORD.pack(check)


def _inflated_bytes(file: bytes) -> int:
    """The bytes of a PNG's rows, each with its filter; 0 if they are interlaced."""
    if file[_INTERLACING] != b"\0":
        return 0
    width, height, depth, colour = PNG_SHAPE.unpack_from(file, 16)
    size: int = height * (1 + (width * depth * PNG_CHANNELS.get(colour, 0) + 7) // 8)
    return size
