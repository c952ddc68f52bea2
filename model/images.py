"""Image files become grey pixels, within limits: by OpenCV, else by Pillow; and pixels become a PNG."""

from collections.abc import Callable
from itertools import islice

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from .headers import JPEG, PNG, BadImage, TooLarge, check, open_image
from .layout import MAX_PIXELS
from .tiffs import BadTiff, cut, directories, is_tiff

__all__ = ["BadImage", "Grey", "TooLarge", "decode", "png", "to_grey"]

Grey = npt.NDArray[np.uint8]

GREY, BITFIELDS = 0, 3
"""A PNG's type of colour, and how a BMP's pixels are packed."""

cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # what is wrong is told to the client
cv2.setNumThreads(1)  # the images are small: a second thread would spin more than it works


def decode(
    data: bytes | memoryview,
    max_pixels: int = MAX_PIXELS,
    expect: Callable[[int], None] = lambda pixels: None,
) -> Grey:
    """Grey pixels (h, w) uint8 of a PNG, JPEG, WebP, BMP, or TIFF. Raises BadImage.

    Transparent pixels show white; 16 bits become 8; EXIF orientation is applied; of an animation or
    a TIFF of several pages, the first is read. `expect` is told how many pixels there
    will be, before any is decoded.
    """
    data = _first_page(data) if is_tiff(data) else bytes(data)
    expect(check(data, max_pixels))
    if _is_for_pillow(data):
        return _decode_by_pillow(data)
    flags = cv2.IMREAD_GRAYSCALE if data.startswith(JPEG) else cv2.IMREAD_UNCHANGED
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise BadImage(f"the image cannot be decoded: {error.err or error}") from error
    if pixels is None:
        raise BadImage("the image is damaged or cut off")
    return to_grey(np.asarray(pixels))


def to_grey(pixels: npt.NDArray[np.generic]) -> Grey:
    """Grey, BGR or BGRA (h, w[, 3 or 4]) of 8 or 16 bits -> (h, w) uint8 on white. Raises BadImage."""
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)  # type: ignore[operator]
    if pixels.ndim == 2:
        return check_grey(pixels)
    if pixels.dtype != np.uint8 or not pixels.size or pixels.ndim != 3 or pixels.shape[2] not in (3, 4):
        raise BadImage(f"pixels of type {pixels.dtype} and shape {pixels.shape} are not read")
    eight = pixels.astype(np.uint8, copy=False)
    grey = cv2.cvtColor(eight[:, :, :3], cv2.COLOR_BGR2GRAY)
    if eight.shape[2] == 4:
        grey = 255 - cv2.multiply(255 - grey, eight[:, :, 3], scale=1 / 255)
    return np.asarray(grey).astype(np.uint8, copy=False)


def check_grey(pixels: npt.NDArray[np.generic]) -> Grey:
    """The same pixels, if they are (h, w) uint8 and there are any. Raises BadImage."""
    if pixels.dtype != np.uint8 or pixels.ndim != 2 or not pixels.size:
        raise BadImage(f"grey pixels of type {pixels.dtype} and shape {pixels.shape} are not read")
    return pixels.astype(np.uint8, copy=False)


def png(pixels: Grey) -> bytes:
    """Grey (h, w) or BGR (h, w, 3) uint8 as a PNG file."""
    return bytes(cv2.imencode(".png", pixels)[1])


def _first_page(data: bytes | memoryview) -> bytes:
    """The first page of a TIFF, without what is not needed to decode it."""
    try:
        for page in cut(data, list(islice(directories(data), 1))):
            return page
    except BadTiff as error:
        raise BadImage(f"{error}") from error
    raise BadImage("the TIFF has no page")


def _is_for_pillow(data: bytes) -> bool:
    """OpenCV turns no PNG and no WebP by its EXIF, shows transparent grey as it is, and takes the spare
    byte of a BMP's pixels for their alpha."""
    if data.startswith(PNG):
        return b"eXIf" in data or (data[25] == GREY and b"tRNS" in data[: data.find(b"IDAT")])
    if data.startswith(b"BM"):
        return data[28:31:2] == bytes((32, BITFIELDS))
    return data[:2] in (b"II", b"MM") or (data.startswith(b"RIFF") and b"EXIF" in data)


def _decode_by_pillow(data: bytes) -> Grey:
    try:
        with open_image(data) as image:
            return _to_pixels(_upright(image))
    except BadImage:
        raise
    except Exception as error:  # Pillow's parsers raise many kinds on hostile bytes
        raise BadImage(f"the image cannot be decoded: {error}") from error


def _upright(image: Image.Image) -> Image.Image:
    """Turned as its EXIF says; of a TIFF, Pillow has seen to it. EXIF that is damaged says nothing."""
    image.load()
    try:
        return ImageOps.exif_transpose(image)
    except Exception:
        return image


def _to_pixels(image: Image.Image) -> Grey:
    if image.mode.startswith("I;16"):
        values = np.array(image).astype(np.uint16)
        values[values == image.info.get("transparency", -1)] = 0xFFFF
        return to_grey(values)
    if image.mode in ("I", "F"):
        return stretch(np.asarray(image).astype(np.float32))
    if image.has_transparency_data:
        return to_grey(_opaque(np.array(image.convert("RGBA"))[:, :, [2, 1, 0, 3]]))
    return np.asarray(image.convert("L"))


def _opaque(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """BGRA in which something can be seen: some write BMPs without filling in their alpha."""
    if not pixels[:, :, 3].any():
        pixels[:, :, 3] = 255
    return pixels


def stretch(values: npt.NDArray[np.float32]) -> Grey:
    """Values of any range -> 0..255, the least black and the greatest white."""
    values = np.clip(np.nan_to_num(values), -1e30, 1e30)
    values -= values.min()
    return np.asarray(values * (255 / (values.max() or 1))).astype(np.uint8)
