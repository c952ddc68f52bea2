"""One uploaded file, known by its first bytes, becomes images: named files or a block of pixels."""

from collections.abc import Iterator
from dataclasses import dataclass

from model.idx import is_idx
from worker.chunks import ImageFile, PixelBlock

from ..problems import Problem
from ..settings import GatewaySettings
from . import arrays, tiffs, zips

IMAGES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM")


@dataclass(frozen=True)
class NamedImage:
    """An image file and what its owner calls it."""

    name: str
    file: ImageFile


Part = NamedImage | PixelBlock


@dataclass(frozen=True)
class Source:
    """An uploaded file; `name` is empty where the client gave none."""

    name: str
    view: memoryview


def parts_of(source: Source, settings: GatewaySettings, *, alone: bool) -> Iterator[Part]:
    """The images in a file. Bytes of no known format are a problem `alone`, else an image that fails."""
    view, head = source.view, bytes(source.view[:16])
    if head[:4] in (zips.MAGIC, zips.EMPTY):
        for name, data in zips.read_zip(view, settings):
            yield from _plain_parts(Source(name, memoryview(data)), settings)
    elif alone and not is_known(head):
        raise Problem(
            "unknown-format", "Send PNG, JPEG, TIFF, WebP, BMP, ZIP, .npy, IDX (.gz), JSON or NDJSON."
        )
    else:
        yield from _plain_parts(source, settings)


def is_known(head: bytes) -> bool:
    """Whether the first 16 bytes are of a format that is read (a ZIP aside)."""
    return (
        head.startswith((*IMAGES, *tiffs.MAGICS, arrays.NPY_MAGIC, arrays.GZIP_MAGIC))
        or is_webp(head)
        or is_idx(head)
    )


def is_webp(head: bytes) -> bool:
    """Whether the first bytes are of a WebP image."""
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def _plain_parts(source: Source, settings: GatewaySettings) -> Iterator[Part]:
    view, head = source.view, bytes(source.view[:16])
    if head.startswith(arrays.GZIP_MAGIC):
        view = arrays.gunzip(view, settings.max_unpacked_bytes)
        head = bytes(view[:16])
        if not is_idx(head):
            raise Problem("unsupported-media-type", "Only IDX files are read from .gz.")
    if head.startswith(arrays.NPY_MAGIC):
        yield arrays.read_npy(view)
    elif is_idx(head):
        yield arrays.read_idx(view)
    else:
        yield from _images(Source(source.name, view), settings)


def _images(source: Source, settings: GatewaySettings) -> Iterator[NamedImage]:
    most = settings.max_image_bytes
    if len(source.view) > most:
        raise Problem("file-too-large", f"{source.name[:80]!r} has over {most} bytes.", limit=most)
    data = bytes(source.view)
    pages = 1
    if data[:4] in tiffs.MAGICS:
        pages = tiffs.count_pages(source.view, settings.max_tiff_pages)
    for page in range(pages):
        name = f"{source.name}#{page + 1}" if pages > 1 else source.name
        yield NamedImage(name, ImageFile(data, page))
