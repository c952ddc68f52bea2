"""From claimed chunks to glyphs: open, have decoded and normalised. A bad image fails here, alone."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from model.card import Recipe

from .chunks import BadChunk, Content, Files, Opened, PixelBlock, pack, unpack
from .decoding.wire import Encoded, Outcome
from .ledger import Claim
from .results import Failure, Result

log = logging.getLogger(__name__)

Decode = Callable[[Sequence[Encoded]], Sequence[Outcome]]


@dataclass(frozen=True)
class Prepared:
    """A chunk on its way to the network: (m, 28, 28) glyphs, and the images that gave none."""

    content: Content
    glyphs: npt.NDArray[np.uint8]
    failures: dict[int, Failure]


def prepare(chunks: Sequence[tuple[Content, Recipe | None]], decode: Decode) -> list[Prepared]:
    """Each chunk's glyphs, made by its recipe; all files are decoded in one go, arrays never are."""
    files = [
        Encoded(file, recipe)
        for content, recipe in chunks
        if not isinstance(content, PixelBlock)
        for file in content
    ]
    outcomes = iter(decode(files) if files else ())
    return [_prepared(content, outcomes) for content, _ in chunks]


def _prepared(content: Content, outcomes: Iterator[Outcome]) -> Prepared:
    """Takes the outcomes that are the chunk's."""
    if isinstance(content, PixelBlock):
        return Prepared(content, _glyphs(content.data), {})
    own = list(islice(outcomes, len(content)))
    glyphs = b"".join(each for each in own if isinstance(each, bytes))
    failures = {index: each for index, each in enumerate(own) if isinstance(each, Failure)}
    return Prepared(content, _glyphs(glyphs), failures)


def _glyphs(data: bytes | memoryview) -> npt.NDArray[np.uint8]:
    return np.frombuffer(data, np.uint8).reshape(-1, 28, 28)


def open_chunk(claim: Claim) -> Opened:
    """What was claimed; a chunk that cannot be opened is one of empty images, which fail one by one."""
    try:
        return unpack(claim.payload)
    except BadChunk as error:
        log.error("%s, chunk %d: %s", claim.name, claim.chunk, error)
        return Files([b""] * claim.count)


def pack_failed(content: Content, results: Sequence[Result]) -> bytes:
    """The chunk with only its failed images left in it, for a retry; read files become empty."""
    if isinstance(content, PixelBlock):
        return pack(content)
    pairs = zip(content, results, strict=True)
    files = [file if isinstance(each, Failure) else b"" for file, each in pairs]
    return pack(Files(files, content.charsets if isinstance(content, Files) else ()))
