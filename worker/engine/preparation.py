"""From claimed chunks to glyphs: opened, decoded, normalized. A bad image fails here, alone."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from model.card import Normalization
from model.flags import NONE, Flag
from model.glyph import Glyph, bright_on_dark, is_blank
from model.reading import Bits

from ..decoding.replies import Outcome
from ..decoding.wire import Encoded
from ..ledger.chunks import BadChunk, Files, Opened, PixelBlock, pack, unpack
from ..ledger.claims import Claim
from ..ledger.jobs import Options
from ..ledger.results import Failure, Result

log = logging.getLogger(__name__)

Decode = Callable[[Sequence[Encoded]], Sequence[Outcome]]


@dataclass(frozen=True)
class Prepared:
    """A chunk on its way to the network: (m, 28, 28) glyphs, those of a sheet one after another, and
    their (m,) flag bits. `outcomes` are those of files; an image of an array is its own glyph.
    """

    content: Opened
    options: Options
    glyphs: npt.NDArray[np.uint8]
    flags: Bits
    outcomes: Sequence[Outcome] | None = None

    @property
    def normalized(self) -> bool:
        """Whether the network's normalization made the glyphs."""
        return self.outcomes is not None and self.options.normalize == "auto"

    def charsets(self) -> Sequence[str | None]:
        """For each glyph the charset of its image, if it has its own; `()` if none has."""
        if isinstance(self.content, PixelBlock) or not self.content.charsets:
            return ()
        pairs = zip(self.content.charsets, self.outcomes or (), strict=True)
        return [charset for charset, outcome in pairs for _ in _glyphs(outcome)]


def prepare(
    chunks: Sequence[tuple[Opened, Options]], own: Normalization, decode: Decode
) -> list[Prepared]:
    """Each chunk's glyphs, where `own` is the network's normalization; all files are decoded in one go,
    and arrays not at all."""
    files = [
        Encoded(file, *decoding)
        for content, options in chunks
        if isinstance(content, Files)
        for decoding in [options.decoding(own)]
        for file in content
    ]
    outcomes = iter(decode(files) if files else ())
    return [_prepared(content, options, outcomes) for content, options in chunks]


def _prepared(content: Opened, options: Options, outcomes: Iterator[Outcome]) -> Prepared:
    """Takes the chunk's own outcomes from `outcomes`."""
    if isinstance(content, PixelBlock):
        return _prepared_array(content, options)
    own = list(islice(outcomes, len(content)))
    found = [glyph for outcome in own for glyph in _glyphs(outcome)]
    glyphs = np.array([each.pixels for each in found], np.uint8).reshape(-1, 28, 28)
    flags = np.array([each.flags for each in found], np.uint8)
    return Prepared(content, options, glyphs, flags, own)


def _prepared_array(content: PixelBlock, options: Options) -> Prepared:
    glyphs = np.frombuffer(content.data, np.uint8).reshape(-1, 28, 28)
    flags = np.full(len(glyphs), NONE, np.uint8)
    if options.normalize == "auto":
        glyphs = bright_on_dark(glyphs)
        flags[is_blank(glyphs)] = Flag.BLANK
    return Prepared(content, options, glyphs, flags)


def _glyphs(outcome: Outcome) -> Sequence[Glyph]:
    """An image's glyphs, for the network."""
    if isinstance(outcome, Failure):
        return ()
    return (outcome,) if isinstance(outcome, Glyph) else [each.glyph for each in outcome]


def open_chunk(claim: Claim) -> Opened:
    """The claimed chunk; one that cannot be opened becomes empty images, which fail one by one."""
    try:
        return unpack(claim.payload)
    except BadChunk as error:
        log.error("%s, chunk %d: %s", claim.name, claim.chunk, error)
        return Files([b""] * claim.count)


def pack_failed(content: Opened, results: Sequence[Result]) -> bytes:
    """The chunk for a retry of its failed images: files that were read become empty; an array is kept
    whole."""
    if isinstance(content, PixelBlock):
        return pack(content)
    pairs = zip(content, results, strict=True)
    files = [file if isinstance(each, Failure) else b"" for file, each in pairs]
    return pack(Files(files, content.charsets))
