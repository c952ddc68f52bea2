"""What OpenCV reads otherwise than people see it: transparent grey, alpha of BMPs, EXIF of PNG and WebP.

`images` decodes with it; nothing here looks at more of a file than its headers.
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
"""A PNG's colour type."""

HAS_ALPHA = 56
"""Bytes of a BMP's header from which on it may say where alpha is; before, the fourth byte is spare."""

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
"""By EXIF's orientation; 1 is upright (TIFF 6.0, tag 274)."""


def flags_for(data: bytes) -> int:
    """How cv2.imdecode is to read a file."""
    if data.startswith(JPEG):
        return cv2.IMREAD_GRAYSCALE
    if data.startswith(b"BM") and data[28] == 32 and struct.unpack_from("<I", data, 14)[0] < HAS_ALPHA:
        return cv2.IMREAD_COLOR
    return cv2.IMREAD_UNCHANGED


def as_seen(pixels: Pixels, data: bytes) -> Pixels:
    """The pixels of a PNG or BMP: a transparent grey is white, a BMP without any alpha is opaque."""
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
    """(h, w) pixels of a PNG or WebP turned as its EXIF says; OpenCV has seen to a JPEG."""
    turn = TURNS.get(_orientation(data))
    return np.ascontiguousarray(turn(pixels)) if turn else pixels


def _orientation(data: bytes) -> int:
    """EXIF that is damaged says nothing."""
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
    """Empty if there is none."""
    if b"eXIf" not in data:  # nearly always, and at once
        return b""
    return next((data[start:end] for kind, start, end in png_chunks(data) if kind == b"eXIf"), b"")


def _webp_exif(data: bytes) -> bytes:
    """Empty if there is none, or if it is no WebP."""
    start = data.find(b"EXIF") + 8 if data.startswith(b"RIFF") else 0
    if start < 8 or start > len(data):
        return b""
    (size,) = struct.unpack_from("<I", data, start - 4)
    return data[start : start + size]
