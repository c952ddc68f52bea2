"""Corrects what OpenCV does not decode as people see it: transparent grey in PNG, alpha in BMP, EXIF
orientation in PNG and WebP, animations in PNG.

Used by `images`; of a file itself, only headers and metadata are parsed here.
"""

import struct
from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image

from .headers import JPEG, PNG, png_chunks

GREY = 0
"""The colour type of a grey PNG."""

HAS_ALPHA = 56
"""The least size of a BMP header that may define alpha; below it, the fourth byte is unused."""

Pixels = npt.NDArray[Any]

TURNS: Mapping[int, Callable[[Pixels], Pixels]] = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.T,
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: pixels.T[::-1, ::-1],
    8: lambda pixels: np.rot90(pixels),
}
"""How to turn an image upright, by EXIF orientation; 1 is upright (TIFF 6.0, tag 274)."""


def flags_for(data: bytes) -> int:
    """The flags of cv2.imdecode for a file."""
    if data.startswith(JPEG):
        return cv2.IMREAD_GRAYSCALE
    if data.startswith(b"BM") and data[28] == 32 and struct.unpack_from("<I", data, 14)[0] < HAS_ALPHA:
        return cv2.IMREAD_COLOR
    return cv2.IMREAD_UNCHANGED


def still(data: bytes) -> bytes:
    """A file without the chunk that makes a PNG an animation: in one that lacks pixels, OpenCV shows
    what its memory held before, such as someone else's image."""
    if not data.startswith(PNG) or b"acTL" not in data:
        return data
    kept = (data[start - 8 : end + 4] for kind, start, end in png_chunks(data) if kind != b"acTL")
    return PNG + b"".join(kept)


def as_seen(pixels: Pixels, data: bytes) -> Pixels:
    """`pixels` of a file as people see them: the transparent grey of a PNG is white, a BMP whose alpha
    is 0 everywhere is opaque."""
    if data.startswith(PNG) and data[25] == GREY and pixels.ndim == 2:
        place = data.find(b"tRNS", 0, data.find(b"IDAT"))
        if place >= 0:
            depth, key = data[24], int.from_bytes(data[place + 4 : place + 6], "big")
            scale = 255 // (2**depth - 1) if depth < 8 else 1
            pixels[pixels == key * scale] = np.iinfo(pixels.dtype).max
    elif data.startswith(b"BM") and pixels.ndim == 3 and not pixels[:, :, 3:].any():
        return pixels[:, :, :3]
    return pixels


def upright(pixels: Pixels, data: bytes) -> Pixels:
    """(h, w) pixels of a PNG or WebP, turned as its EXIF says; OpenCV turns JPEGs itself."""
    turn = TURNS.get(_orientation(data))
    return np.ascontiguousarray(turn(pixels)) if turn else pixels


def _orientation(data: bytes) -> int:
    """The EXIF orientation; 1 if there is none, or if the EXIF data are damaged."""
    note = _png_exif(data) if data.startswith(PNG) else _webp_exif(data)
    if not note:
        return 1
    exif = Image.Exif()
    try:
        exif.load(note)
        return int(exif.get(ExifTags.Base.Orientation, 1))
    except Exception:  # Pillow's parser raises many kinds on hostile bytes
        return 1


def _png_exif(data: bytes) -> bytes:
    """The EXIF data; empty if there are none."""
    if b"eXIf" not in data:  # true of nearly every PNG, and quick to find out
        return b""
    return next((data[start:end] for kind, start, end in png_chunks(data) if kind == b"eXIf"), b"")


def _webp_exif(data: bytes) -> bytes:
    """The EXIF data; empty if there are none, or if the file is not a WebP."""
    start = data.find(b"EXIF") + 8 if data.startswith(b"RIFF") else 0
    if start < 8 or start > len(data):
        return b""
    (size,) = struct.unpack_from("<I", data, start - 4)
    return data[start : start + size]
