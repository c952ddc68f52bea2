"""Turns an uploaded file, known by its first bytes, into images: named files or a block of pixels."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from model.files.idx import is_idx
from model.files.tiffs import MAGICS, is_tiff
from worker.ledger.chunks import ImageFile, PixelBlock

from ..file_types import EMPTY_ZIP, GZIP, NPY, ZIP, is_image
from ..problems import Problem
from ..settings import GatewaySettings
from . import arrays, tiffs, zips


class NamedImage(NamedTuple):  # made by the ten thousand, in half the time of a frozen dataclass
    """An image file, its name, and its own charset, if that is not the job's."""

    name: str
    file: ImageFile
    charset: str | None = None


class NamedBlock(NamedTuple):
    """Images of an array, as many as make a chunk, and their names (None: they are numbered)."""

    block: PixelBlock
    names: tuple[str, ...] | None = None


Part = NamedImage | NamedBlock


@dataclass(frozen=True)
class Source:
    """An uploaded file; `name` is empty where the client gave none."""

    name: str
    view: memoryview


def parts_of(source: Source, settings: GatewaySettings, *, alone: bool) -> Iterator[Part]:
    """The images in a file. An unknown format is a problem if `alone`, else an image that will fail."""
    view, head = source.view, bytes(source.view[:16])
    if head[:4] in (ZIP, EMPTY_ZIP):
        with _naming(source):
            for name, data in zips.read_zip(view, settings):
                if is_image(data[:16]):  # nearly always; none is larger than an image may be
                    yield NamedImage(name, data)
                else:
                    yield from _plain_parts(Source(name, memoryview(data)), settings)
    elif alone and not is_known(head):
        raise Problem(
            "unknown-format", "Send PNG, JPEG, TIFF, WebP, BMP, ZIP, .npy, IDX (.gz), JSON or NDJSON."
        )
    else:
        yield from _plain_parts(source, settings)


def is_known(head: bytes) -> bool:
    """Whether the first 16 bytes are of a supported format (other than ZIP)."""
    return is_image(head) or head.startswith((*MAGICS, NPY, GZIP)) or is_idx(head)


def _plain_parts(source: Source, settings: GatewaySettings) -> Iterator[Part]:
    with _naming(source):
        yield from _read(source, settings)


@contextmanager
def _naming(source: Source) -> Iterator[None]:
    """Problems in this context name the file, if it has a name."""
    try:
        yield
    except Problem as problem:
        if source.name:
            problem.detail = f"{source.name[:80]!r}: {problem.detail}"
        raise


def _read(source: Source, settings: GatewaySettings) -> Iterator[Part]:
    view, head = source.view, bytes(source.view[:16])
    if head.startswith(GZIP):
        yield from _named(source.name, arrays.read_idx_gz(view, settings.max_ratio), settings)
    elif head.startswith(NPY):
        yield from _named(source.name, [arrays.read_npy(view)], settings)
    elif is_idx(head):
        yield from _named(source.name, [arrays.read_idx(view)], settings)
    elif is_tiff(head):
        yield from pages_of(NamedImage(source.name, view), settings)
    elif len(view) > settings.max_image_bytes:
        most = settings.max_image_bytes
        raise Problem("file-too-large", f"An image has at most {most} bytes; scale it down.", limit=most)
    else:
        yield NamedImage(source.name, view)


def _named(array: str, blocks: Iterable[PixelBlock], settings: GatewaySettings) -> Iterator[NamedBlock]:
    """The blocks of an array in pieces of a chunk's size, as ARRAY[0] on, if its file has a name."""
    first = 0
    for block in blocks:
        for start in range(0, len(block), settings.chunk_glyphs):
            piece = block.part(range(start, start + settings.chunk_glyphs))
            places = range(first, first := first + len(piece))
            yield NamedBlock(piece, tuple(f"{array}[{place}]" for place in places) if array else None)


def pages_of(image: NamedImage, settings: GatewaySettings) -> Iterator[NamedImage]:
    """The image itself, or every page of a TIFF. Raises problems."""
    view = memoryview(image.file)
    if not is_tiff(view[:4]):
        yield image
        return
    for suffix, page in tiffs.read_tiff(view, settings):
        yield image._replace(name=image.name + suffix, file=page)
