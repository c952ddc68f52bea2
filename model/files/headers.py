"""What an image file claims to be, checked before a decoder believes it.

Three things are cheap to send and expensive to decode: a PNG chunk that claims to be gigabytes, since
OpenCV allocates them; pixel data that go on far beyond the picture; a JPEG that is painted over
thousands of times.
"""

import contextlib
import io
import re
import struct
import warnings
import zlib
from collections.abc import Iterator

from PIL import Image, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP")
PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
BIG_TIFFS = b"II+\0", b"MM\0+"
MOST_SIDE = 65_535
GREY_SHARE = 5
"""An image that is decoded straight to grey may have so many times as many pixels: each takes at most 9
bytes. Of other images, it is 22."""
MOST_SCANS = 64
"""A progressive JPEG has about ten."""

_STRANGERS = (
    (0, b"%PDF", "a PDF is not read: convert its pages to TIFF, PNG or JPEG"),
    (0, b"GIF8", "GIF is not read: convert it to PNG"),
    (0, b"\0\0\0\x0cjP  ", "JPEG 2000 is not read: convert it to PNG or JPEG"),
    (0, b"\0\0\0\x0cJXL ", "JPEG XL is not read: convert it to PNG or JPEG"),
    (0, b"\xff\x0a", "JPEG XL is not read: convert it to PNG or JPEG"),
    (4, b"ftypavi", "AVIF is not read: convert it to PNG or JPEG"),
    *(
        (4, b"ftyp" + brand, "HEIC is not read: convert it to JPEG")
        for brand in (b"he", b"mif1", b"msf1")
    ),
)
"""Files that people take for images: where their signature begins, what it is, and what to do."""

_START_OF_SCAN = b"\xff\xda"
_END, _WITHOUT_LENGTH = 0xD9, (0x01, 0xD8)
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""Neither part of the pixels, where FF is followed by 00, nor between two parts of them (RST0..7)."""
_SEGMENT, _SIDES = struct.Struct(">BBH"), struct.Struct(">HH")
_SEGMENTS = 64
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SIZED = _FRAMES | {0xC4, 0xCC, *range(0xDB, 0xF0), 0xFE}
"""JPEG markers that are followed by a length and may precede a scan."""
_GREYS = b"\1\0", b"\2\0", b"\4\0", b"\x08\0"
"""The depths and the colour type of a grey PNG, but for 16 bits."""
PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Number of channels, by a PNG's colour type."""
SLACK = 4096
"""Bytes of compressed data that a PNG may have beyond twice the bytes of its pixels."""
PNG_SHAPE, _CHUNK, _CRC = struct.Struct(">IIBB"), struct.Struct(">I4s"), struct.Struct(">I")


class BadImage(ValueError):
    """The bytes are not an image that can be read; the text says why."""


class TooLarge(BadImage):
    """The image has more pixels than are allowed."""


def check(data: bytes, max_pixels: int) -> int:
    """The number of pixels that an image claims to have.

    Raises BadImage if it is in none of FORMATS, damaged, too large, or unduly expensive to decode.
    """
    if not data:
        raise BadImage("the file is empty")
    if data[:4] in BIG_TIFFS:  # `tiffs` cannot find its pages: all but the first would be lost
        raise BadImage("BigTIFF is not read: save it as TIFF")
    width, height = dimensions(data)
    if width * height > max_pixels and _is_decoded_to_grey(data):
        max_pixels *= GREY_SHARE
    if width * height > max_pixels or max(width, height) > MOST_SIDE:
        raise TooLarge(
            f"{width * height:,} pixels ({width:,}x{height:,}); at most {max_pixels:,} in all and "
            f"{MOST_SIDE:,} a side are read: scale it down"
        )
    if data.startswith(PNG):
        _check_png(data)
    elif data.startswith(JPEG) and data.count(_START_OF_SCAN) > MOST_SCANS < _scans(data):
        raise BadImage(f"the JPEG has over {MOST_SCANS} scans")
    return width * height


def dimensions(data: bytes) -> tuple[int, int]:
    """Width and height from the header alone. Raises BadImage for anything but FORMATS."""
    if data.startswith(PNG) and len(data) >= 24:
        width, height = struct.unpack_from(">II", data, 16)
        return width, height
    if data.startswith(JPEG) and (size := _jpeg_dimensions(data)):
        return size
    try:
        with open_image(data) as image:
            return image.size
    except Image.DecompressionBombError as error:
        raise TooLarge(str(error)) from error
    except UnidentifiedImageError as error:
        raise BadImage(_stranger(data)) from error
    except Exception as error:  # Pillow's parsers raise many kinds on hostile bytes
        raise BadImage(f"the image's header is damaged: {error}") from error


def _is_decoded_to_grey(data: bytes) -> bool:
    """Whether it is a JPEG, or a PNG or TIFF of black and white or of 8 bits of grey."""
    if data.startswith(PNG):
        return data[24:26] in _GREYS
    if data[:2] in (b"II", b"MM"):
        with open_image(data) as image:
            return image.mode in ("1", "L")
    return data.startswith(JPEG)


def _stranger(data: bytes) -> str:
    """Why a file in none of FORMATS is refused."""
    known = (advice for at, magic, advice in _STRANGERS if data.startswith(magic, at))
    return next(known, "not a PNG, JPEG, TIFF, WebP or BMP image")


def _jpeg_dimensions(data: bytes) -> tuple[int, int] | None:
    """Width and height from the first frame header (ITU-T T.81, B.2.2), in a tenth of Pillow's time;
    None if it is not among the first segments, or these are malformed."""
    at = len(JPEG) - 1
    with contextlib.suppress(struct.error):
        for _ in range(_SEGMENTS):
            prefix, marker, size = _SEGMENT.unpack_from(data, at)
            if prefix != 0xFF or marker not in _SIZED:
                return None
            if marker in _FRAMES:
                height, width = _SIDES.unpack_from(data, at + 5)
                return width, height
            at += 2 + size
    return None


def _scans(data: bytes) -> int:
    """The number of scans of a JPEG. What follows its end, such as the video that a phone appends, and
    what lies within a segment, such as a thumbnail, has none that are decoded with it."""
    scans, at = 0, len(JPEG) - 1
    while found := _MARKER.search(data, at):
        at, marker = found.end(), data[found.end() - 1]
        if marker == _END:
            break
        scans += marker == _START_OF_SCAN[1]
        if marker not in _WITHOUT_LENGTH:
            at += int.from_bytes(data[at : at + 2], "big")
    return scans


def open_image(data: bytes | memoryview) -> Image.Image:
    """The image as Pillow opens it, its pixels unread."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # our own limit on pixels is stricter than the warning
        return Image.open(io.BytesIO(data), formats=FORMATS)


def _check_png(data: bytes) -> None:
    pixels = _pixel_bytes(data)
    width, height, depth, colour = PNG_SHAPE.unpack_from(data, 16)
    row = 2 + width * depth * PNG_CHANNELS.get(colour, 0) // 8
    if pixels > 2 * height * row + SLACK:
        raise BadImage("the PNG has far more data than pixels")


def _pixel_bytes(data: bytes) -> int:
    """The size of all IDAT chunks of a PNG. Raises BadImage unless its critical chunks are sound."""
    view, pixels = memoryview(data), 0
    for kind, start, end in png_chunks(data):
        if kind[:1].isupper() and zlib.crc32(view[start - 4 : end]) != _CRC.unpack_from(data, end)[0]:
            break
        if kind == b"IEND":
            return pixels
        pixels += end - start if kind == b"IDAT" else 0
    raise BadImage("the PNG is damaged or cut off")


def png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """The kind of every complete chunk of a PNG, and where its data begin and end."""
    at = len(PNG)
    while at + 12 <= len(data):
        size, kind = _CHUNK.unpack_from(data, at)
        start, end = at + 8, at + 8 + size
        if end + 4 > len(data):
            return
        yield kind, start, end
        at = end + 4
