"""What an uploaded image is served as: its type by its first bytes, and only types that run nothing."""

from worker.chunks import ImageFile

from ..signatures import image_type

BINARY = "application/octet-stream"

SUFFIXES = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "image/bmp": ".bmp",
    "image/tiff": ".tif",
    BINARY: ".bin",
}


def media_type(image: ImageFile) -> str:
    """A raster image's type; anything else, including SVG and HTML, is BINARY."""
    return image_type(bytes(image[:16])) or BINARY
