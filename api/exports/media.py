"""What an uploaded image is shown as: its type by its first bytes, and only types that cannot act."""

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
    """A raster image's type; anything else, SVG and HTML among it, is BINARY."""
    return image_type(bytes(image[:16])) or BINARY
