"""From a claimed chunk to glyphs: open, decode, normalise. A bad image fails here, alone."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from model.card import Recipe
from model.images import BadImage, Grey, TooLarge
from model.normalization import read_glyph

from .chunks import BadChunk, Content, PixelBlock, pack, unpack
from .ledger import Claim
from .results import TOO_LARGE, UNDECODABLE, Failure, Result

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    """A chunk on its way to the network: (m, 28, 28) glyphs, and the images that gave none."""

    content: Content
    glyphs: Grey
    failures: dict[int, Failure]


def prepare(
    content: Content, recipe: Recipe | None, max_pixels: int, touch: Callable[[], None]
) -> Prepared:
    """Decode and normalise; what cannot be decoded becomes a failure. `touch` is called an image."""
    if isinstance(content, PixelBlock):
        return Prepared(content, np.frombuffer(content.data, np.uint8).reshape(-1, 28, 28), {})
    glyphs: list[Grey] = []
    failures: dict[int, Failure] = {}
    for index, file in enumerate(content):
        touch()
        try:
            glyphs.append(read_glyph(file, recipe, max_pixels))
        except BadImage as error:
            kind = TOO_LARGE if isinstance(error, TooLarge) else UNDECODABLE
            failures[index] = Failure(kind, str(error))
    return Prepared(content, np.array(glyphs, np.uint8).reshape(-1, 28, 28), failures)


def open_chunk(claim: Claim) -> Content:
    """What was claimed; a chunk that cannot be opened is one of empty images, which fail one by one."""
    try:
        return unpack(claim.payload)
    except BadChunk as error:
        log.error("%s, chunk %d: %s", claim.name, claim.chunk, error)
        return [b""] * claim.count


def only(content: Content, index: int) -> Content:
    """One image of a chunk, as a chunk."""
    return content.at(index) if isinstance(content, PixelBlock) else [content[index]]


def pack_failed(content: Content, results: list[Result]) -> bytes:
    """The chunk with only its failed images left in it, for a retry; read files become empty."""
    if isinstance(content, PixelBlock):
        return pack(content)
    pairs = zip(content, results, strict=True)
    return pack([file if isinstance(each, Failure) else b"" for file, each in pairs])
