"""File types by their first bytes, for the client that sends a file and the gateway that reads it."""

from model.files.tiffs import MAGICS

ZIP, EMPTY_ZIP, GZIP, NPY = b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"\x93NUMPY"

_ONE_IMAGE = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"BM": "image/bmp",
}
_IMAGES = _ONE_IMAGE | dict.fromkeys(MAGICS, "image/tiff")
_CONTAINERS = {
    ZIP: "application/zip",
    EMPTY_ZIP: "application/zip",
    GZIP: "application/gzip",
    NPY: "application/x-npy",
    b"\0\0\x08": "application/x-idx",
}
_SINGLE = tuple(_ONE_IMAGE)

BINARY = "application/octet-stream"

SUFFIXES = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "image/bmp": ".bmp",
    "image/tiff": ".tif",
    BINARY: ".bin",
}
"""The media types that uploaded images are served as, and the suffixes of their files."""


def is_image(head: bytes) -> bool:
    """Whether a file with these first 16 bytes is always a single image; a TIFF is not: it has pages."""
    return head.startswith(_SINGLE) or _is_webp(head)


def image_type(head: bytes) -> str | None:
    """The media type of an image by its first 16 bytes; None for anything else."""
    return "image/webp" if _is_webp(head) else _type_of(head, _IMAGES)


def container_type(head: bytes) -> str | None:
    """The media type of what may hold many images; None for anything else."""
    return _type_of(head, _CONTAINERS)


def media_type(image: bytes | memoryview) -> str:
    """The media type to serve an upload as: only types that run nothing. Anything that is no raster
    image, SVG and HTML included, is BINARY."""
    return image_type(bytes(image[:16])) or BINARY


def _is_webp(head: bytes) -> bool:
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def _type_of(head: bytes, kinds: dict[bytes, str]) -> str | None:
    return next((kind for magic, kind in kinds.items() if head.startswith(magic)), None)
