"""Decodes image files to grey pixels, within limits (OpenCV; Pillow for TIFF); encodes pixels as PNG."""

from collections.abc import Callable
from itertools import islice

import cv2
import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image

from ..glyph import LEAST_CONTRAST
from ..layout import MAX_PIXELS
from .headers import GREY_SHARE, BadImage, TooLarge, check, open_image
from .opencv_corrections import as_seen, flags_for, still, upright
from .png_inflating import with_stored_pixels
from .tiffs import BadTiff, cut, directories, is_tiff

__all__ = ["BadImage", "Grey", "TooLarge", "as_grey", "decode", "png", "to_grey"]

Grey = npt.NDArray[np.uint8]

OBLONG, MOST_OBLONG = 1.25, 4.0
"""The sides of a pixel of a TIFF, if it is no square, differ by a factor between these; if they seem to
differ by more, its resolution is wrong."""

cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # the client is told what is wrong
cv2.setNumThreads(1)  # the images are small: a second thread would spin more than it works


def decode(
    data: bytes | memoryview,
    max_pixels: int = MAX_PIXELS,
    expect: Callable[[int], None] = lambda pixels: None,
) -> Grey:
    """Grey pixels (h, w) uint8 of a PNG, JPEG, WebP, BMP, or TIFF. Raises BadImage.

    Transparent pixels show white, unless nothing could be seen on white; 16 bits become 8; EXIF
    orientation is applied; the pixels of a fax, which are wider than high, are made square; of an
    animation or a TIFF of several pages, the first is read. `expect` is called with the number of
    pixels before any is decoded.
    """
    data = _first_page(data) if is_tiff(data) else bytes(data)
    expect(check(data, max_pixels))
    if data[:2] in (b"II", b"MM"):
        return _decode_tiff(data, max_pixels)
    file = with_stored_pixels(still(data))
    try:
        pixels = cv2.imdecode(np.frombuffer(file, np.uint8), flags_for(data))
    except cv2.error as error:
        raise BadImage(f"the image cannot be decoded: {error.err or error}") from error
    if pixels is None:
        raise BadImage("the image is damaged or cut off")
    return upright(to_grey(as_seen(np.asarray(pixels), data)), data)


def to_grey(pixels: npt.NDArray[np.generic]) -> Grey:
    """Grey, BGR or BGRA (h, w[, 3 or 4]) of 8 or 16 bits -> (h, w) uint8, opaque. Raises BadImage."""
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)  # type: ignore[operator]
    if pixels.ndim == 2:
        return check_grey(pixels)
    if pixels.dtype != np.uint8 or not pixels.size or pixels.ndim != 3 or pixels.shape[2] not in (3, 4):
        raise BadImage(f"pixels of type {pixels.dtype} and shape {pixels.shape} are not read")
    eight = pixels.astype(np.uint8, copy=False)
    if eight.shape[2] == 3:
        return as_grey(cv2.cvtColor(eight, cv2.COLOR_BGR2GRAY))
    grey, alpha = cv2.cvtColor(eight, cv2.COLOR_BGRA2GRAY), cv2.extractChannel(eight, 3)
    is_opaque = cv2.minMaxLoc(alpha)[0] == 255
    return as_grey(grey) if is_opaque else on_ground(as_grey(grey), as_grey(alpha))


def on_ground(grey: Grey, alpha: Grey) -> Grey:
    """Transparent pixels on white or, if the ink is white, too, on black."""
    on_white = 255 - as_grey(cv2.multiply(255 - grey, alpha, scale=1 / 255))
    if np.ptp(on_white) < LEAST_CONTRAST <= np.ptp(alpha):
        return as_grey(cv2.multiply(grey, alpha, scale=1 / 255))
    return on_white


def as_grey(pixels: cv2.typing.MatLike) -> Grey:
    """What OpenCV returned and is known to be uint8; its types do not say so."""
    return np.asarray(pixels).astype(np.uint8, copy=False)


def check_grey(pixels: npt.NDArray[np.generic]) -> Grey:
    """`pixels`, checked to be (h, w) uint8 and not empty. Raises BadImage."""
    if pixels.dtype != np.uint8 or pixels.ndim != 2 or not pixels.size:
        raise BadImage(f"grey pixels of type {pixels.dtype} and shape {pixels.shape} are not read")
    return pixels.astype(np.uint8, copy=False)


def png(pixels: Grey) -> bytes:
    """Grey (h, w) or BGR (h, w, 3) uint8 as a PNG file."""
    return bytes(cv2.imencode(".png", pixels)[1])


def _first_page(data: bytes | memoryview) -> bytes:
    """The first page of a TIFF, with only what is needed to decode it. Raises BadImage."""
    try:
        for page in cut(data, list(islice(directories(data), 1))):
            return page
    except BadTiff as error:
        raise BadImage(f"{error}") from error
    raise BadImage("the TIFF has no page")


def _decode_tiff(data: bytes, max_pixels: int) -> Grey:
    try:
        with open_image(data) as image:
            resolution = _resolution(image)
            return _squared(_to_pixels(image), *resolution, GREY_SHARE * max_pixels)
    except BadImage:
        raise
    except Exception as error:  # Pillow's parsers raise many kinds on hostile bytes
        raise BadImage(f"the TIFF cannot be decoded: {error}") from error


def _to_pixels(image: Image.Image) -> Grey:
    if image.mode.startswith("I;16"):
        return to_grey(np.asarray(image).astype(np.uint16))
    if image.mode in ("I", "F"):
        return stretch(np.asarray(image).astype(np.float32))
    if image.has_transparency_data:
        return to_grey(np.asarray(image.convert("RGBA"))[:, :, [2, 1, 0, 3]])
    return np.asarray(image.convert("L"))


def _resolution(image: Image.Image) -> tuple[float, float]:
    """How many pixels a length has, across and down, once `image`, not loaded yet, is upright."""
    across, down = image.info.get("dpi", (1, 1))
    on_its_side = image.getexif().get(ExifTags.Base.Orientation, 1) > 4
    return (float(down), float(across)) if on_its_side else (float(across), float(down))


def _squared(pixels: Grey, across: float, down: float, max_pixels: int) -> Grey:
    """`pixels` made square if they are not, as those of a fax (204x98 dpi), and if there will be no more
    than `max_pixels`."""
    if not (min(across, down) > 0 and OBLONG <= max(across / down, down / across) <= MOST_OBLONG):
        return pixels
    height, width = pixels.shape
    height, width = round(height * max(1, across / down)), round(width * max(1, down / across))
    return as_grey(cv2.resize(pixels, (width, height))) if height * width <= max_pixels else pixels


def stretch(values: npt.NDArray[np.float32]) -> Grey:
    """Scale values of any range to 0..255: the least is black, the greatest white."""
    values = np.clip(np.nan_to_num(values), -1e30, 1e30)
    values -= values.min()
    return np.asarray(values * (255 / (values.max() or 1))).astype(np.uint8)
