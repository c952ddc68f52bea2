"""Images that a decoder has decoded: small ones are normalized and sent in blocks.

That keeps what a step of the normalizer needs in the caches for the next image, and saves messages, each
of which costs more than a glyph.
"""

import socket
import time
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TypeAlias

import numpy as np

from model.card import Normalization
from model.files.images import Grey
from model.files.png_batches import Scanlines, unfilter
from model.glyph import Glyph
from model.ink.normalization import normalize_all

from ..ledger.results import UNDECODABLE, Failure
from .allowance import Allowance
from .progress import Progress
from .replies import BLOCK, Outcome, Picture, pack_glyphs, pack_reply

MOST_PIXELS = 1 << 18
LATE_S = 0.01
"""A block is replied to at once when it exceeds either limit."""

Seen: TypeAlias = Grey | Scanlines | Outcome | Picture
"""Scanlines have yet to become grey pixels, and these have yet to become a glyph."""

_PIXELS = np.ndarray, Scanlines


class Block:
    """The images of a request, in order, numbered from `first` on."""

    def __init__(
        self, wire: socket.socket, progress: Progress, allowance: Allowance, first: int
    ) -> None:
        self._wire, self._progress, self._allowance = wire, progress, allowance
        self._first, self._replied = first, 0
        self._normalization: Normalization | None = None
        self._begin()

    def add(self, seen: Seen, normalization: Normalization | None) -> None:
        """Add the next image; `normalization` tells how its pixels become a glyph."""
        if normalization != self._normalization:
            self.reply()
            self._normalization = normalization
        self._seen.append(seen)
        if isinstance(seen, _PIXELS):
            self._pixels += seen.size
        large = isinstance(seen, list | Picture) or self._pixels > MOST_PIXELS
        if large or len(self._seen) == BLOCK or time.monotonic() - self._began > LATE_S:
            self.reply()

    def reply(self) -> None:
        """Reply for all images that are left. Lets MemoryError through: a lack of memory may pass."""
        if self._seen:
            self._progress.take(self._replied, len(self._seen))
            self._allowance.expect(self._pixels)
            self._wire.sendall(b"".join(self._messages()))
            self._replied += len(self._seen)
            self._begin()

    def _begin(self) -> None:
        self._seen: list[Seen] = []
        self._pixels, self._began = 0, time.monotonic()

    def _messages(self) -> Iterator[bytes]:
        number = self._first + self._replied
        for _, run in groupby(self._outcomes(), type):
            some = list(run)
            glyphs = [each for each in some if isinstance(each, Glyph)]
            if glyphs:
                yield pack_glyphs(number, glyphs)
            else:
                yield from (pack_reply(number + place, each) for place, each in enumerate(some))
            number += len(some)

    def _outcomes(self) -> Iterator[Outcome | Picture]:
        glyphs = iter(_glyphs(list(_greys(self._seen)), self._normalization))
        for each in self._seen:
            yield next(glyphs) if isinstance(each, _PIXELS) else each


def _greys(some: Sequence[Seen]) -> Iterator[Grey]:
    """The pixels of those images that have yet to become glyphs."""
    unfiltered = unfilter([each for each in some if isinstance(each, Scanlines)])
    for each in some:
        if isinstance(each, _PIXELS):
            yield next(unfiltered) if isinstance(each, Scanlines) else each


def _glyphs(greys: Sequence[Grey], normalization: Normalization | None) -> Sequence[Glyph | Failure]:
    """A glyph or a Failure for each; a bug of ours that one image triggers must not cost the others."""
    try:
        return normalize_all(greys, normalization)
    except MemoryError:
        raise
    except Exception as error:
        if len(greys) == 1:
            return [Failure(UNDECODABLE, f"decoding it failed: {type(error).__name__}: {error}")]
        return [found for each in greys for found in _glyphs([each], normalization)]
