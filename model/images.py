"""Bytes of an image file become grey pixels, within limits. OpenCV decodes; Pillow reads the headers."""

import io
import struct
import warnings

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

Grey = npt.NDArray[np.uint8]

FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP")
_PNG = b"\x89PNG\r\n\x1a\n"


class BadImage(ValueError):
    """The bytes are not an image that can be read; the text says why."""


class TooLarge(BadImage):
    """The image has more pixels than are allowed."""


def decode(data: bytes | memoryview, page: int = 0, max_pixels: int = 16_000_000) -> Grey:
    """Grey pixels (h, w) uint8 of a PNG, JPEG, WebP, BMP, or a page of a TIFF. Raises BadImage.

    Transparent pixels show white; 16 bits become 8; EXIF orientation is applied to JPEG.
    """
    if not data:
        raise BadImage("the file is empty")
    width, height = dimensions(data)
    if width * height > max_pixels:
        raise TooLarge(f"{width}x{height} pixels, at most {max_pixels} are read")
    if bytes(data[:2]) in (b"II", b"MM"):
        return _decode_tiff(data, page, max_pixels)
    flags = cv2.IMREAD_GRAYSCALE if bytes(data[:2]) == b"\xff\xd8" else cv2.IMREAD_UNCHANGED
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise BadImage(f"the image cannot be decoded: {error.err or error}") from error
    if pixels is None:
        raise BadImage("the image is damaged or cut off")
    return to_grey(np.asarray(pixels))


def dimensions(data: bytes | memoryview) -> tuple[int, int]:
    """Width and height by the header alone. Raises BadImage for anything but FORMATS."""
    if bytes(data[:8]) == _PNG and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return width, height
    try:
        with _open(data) as image:
            return image.size
    except Image.DecompressionBombError as error:
        raise TooLarge(str(error)) from error
    except UnidentifiedImageError as error:
        raise BadImage("not a PNG, JPEG, TIFF, WebP or BMP image") from error
    except Exception as error:  # Pillow's parsers raise many kinds on hostile bytes
        raise BadImage(f"the image's header is damaged: {error}") from error


def to_grey(pixels: npt.NDArray[np.generic]) -> Grey:
    """(h, w), (h, w, 3) BGR or (h, w, 4) BGRA of 8 or 16 bits -> (h, w) uint8 on white."""
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)  # type: ignore[operator]
    if pixels.dtype != np.uint8:
        raise BadImage(f"pixels of type {pixels.dtype} are not read")
    if pixels.ndim == 2:
        return pixels.astype(np.uint8, copy=False)
    grey = cv2.cvtColor(pixels[:, :, :3], cv2.COLOR_BGR2GRAY)
    if pixels.shape[2] == 4:
        alpha = pixels[:, :, 3].astype(np.float32) / 255
        grey = (grey * alpha + 255 * (1 - alpha)).round()
    return np.asarray(grey).astype(np.uint8, copy=False)


def _open(data: bytes | memoryview) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # our own limit on pixels is stricter than the warning
        return Image.open(io.BytesIO(data), formats=FORMATS)


def _decode_tiff(data: bytes | memoryview, page: int, max_pixels: int) -> Grey:
    try:
        with _open(data) as image:
            image.seek(page)
            if image.width * image.height > max_pixels:
                raise TooLarge(f"{image.width}x{image.height} pixels, at most {max_pixels} are read")
            if image.mode.startswith("I"):
                return to_grey(np.asarray(image).astype(np.uint16))
            return np.asarray(image.convert("L"))
    except BadImage:
        raise
    except Exception as error:  # Pillow's parsers raise many kinds on hostile bytes
        raise BadImage(f"page {page + 1} of the TIFF cannot be read: {error}") from error
