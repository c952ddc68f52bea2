"""What an uploaded image is shown as: its type by its first bytes, and only types that cannot act."""

from worker.chunks import ImageFile

BINARY = "application/octet-stream"

SUFFIXES = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "image/bmp": ".bmp",
    "image/tiff": ".tif",
    BINARY: ".bin",
}

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"BM", "image/bmp"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
)


def media_type(image: ImageFile) -> str:
    """A raster image's type; anything else, SVG and HTML among it, is BINARY."""
    head = bytes(image[:16])
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), BINARY)
