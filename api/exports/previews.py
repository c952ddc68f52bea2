"""What a network saw of an image, as PNG. The decoder that this takes is started when first needed."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from model.card import Card
from worker.decoding.fork_server import NoDecoder
from worker.decoding.wire import Encoded
from worker.ledger.chunks import ImageFile, PixelBlock
from worker.ledger.jobs import Job
from worker.ledger.results import Failure
from worker.ledger.store import Item

from ..problems import Problem
from ..settings import GatewaySettings
from .sheets import marks_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from model.glyph import Glyph
    from model.layout import Character
    from worker.decoding.decoder import Decoder
    from worker.decoding.replies import Outcome, Picture

T = TypeVar("T")

THREADS = 4
"""One decodes and the others wait for it; further requests wait without taking threads from uploads."""


class Previews:
    """Images as workers read them, decoded in a separate process as theirs are. Thread-safe."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._limits = (settings.max_pixels, settings.decode_s)
        self._decoder: Decoder | None = None
        self._turn = threading.Lock()
        self._threads = CapacityLimiter(THREADS)

    async def in_thread(self, call: Callable[[], T]) -> T:
        """Run `call`, which calls the methods below, in one of a few threads."""
        return await run_sync(call, limiter=self._threads)

    def picture(self, image: ImageFile | PixelBlock, job: Job, card: Card | None, item: Item) -> bytes:
        """An upload beside what the network saw of it, or with boxes around what was found on it; for an
        array, only the glyph, enlarged.

        Raises `undecodable-image`, `image-too-large`, `not-ready`.
        """
        if isinstance(image, PixelBlock):
            return enlarged_png(_as_read(image, job))
        wanted = _encoded(image, job, card)._replace(marks=marks_of(job, item))
        picture = self._ask(lambda decoder: decoder.draw(wanted))
        assert isinstance(picture, bytes)
        return picture

    def glyph(self, image: ImageFile | PixelBlock, job: Job, card: Card | None) -> bytes:
        """The 28x28 pixels of a character as `job` reads it. Raises as `picture`."""
        if isinstance(image, PixelBlock):
            return glyph_png(_as_read(image, job))
        wanted = _encoded(image, job, card)
        glyph = self._ask(lambda decoder: decoder.read([wanted])[0])
        assert not isinstance(glyph, bytes | list)
        return glyph_png(PixelBlock(glyph.pixels.tobytes()))

    def characters(self, image: ImageFile, job: Job, card: Card | None) -> "list[Character]":
        """All characters that can be cut out of a page, rival readings included. Raises as `picture`."""
        wanted = _encoded(image, job, card)
        characters = self._ask(lambda decoder: decoder.read([wanted])[0])
        assert isinstance(characters, list)
        return characters

    def close(self) -> None:
        """Stop the decoder, if it was started."""
        if self._decoder:
            self._decoder.close()

    def _ask(self, ask: "Callable[[Decoder], Outcome | Picture]") -> "Glyph | list[Character] | Picture":
        from worker.decoding.decoder import Decoder

        with self._turn:
            try:
                self._decoder = self._decoder or Decoder(*self._limits)
                outcome = ask(self._decoder)
            except NoDecoder as error:
                detail = f"Images cannot be decoded here now: {error}; try again shortly."
                raise Problem("not-ready", detail, retry_after=5) from error
        if isinstance(outcome, Failure):
            raise Problem(outcome.type, f"{outcome.detail}.")
        return outcome


def _encoded(image: ImageFile, job: Job, card: Card | None) -> Encoded:
    return Encoded(image, *job.options.decoding(card.normalization if card else None))


def _as_read(block: PixelBlock, job: Job) -> PixelBlock:
    """The first glyph of an array, as the network saw it."""
    if job.options.normalize == "none":
        return block
    from model.glyph import bright_on_dark

    return PixelBlock(bright_on_dark(_pixels(block)[None]).tobytes())


def glyph_png(block: PixelBlock) -> bytes:
    """The first glyph of an array, as a PNG of 28x28 pixels."""
    from model.files.images import png

    return png(_pixels(block))


def enlarged_png(block: PixelBlock) -> bytes:
    """The first glyph of an array, as a PNG large enough to look at."""
    from model.files.images import png
    from model.previews import enlarged

    return png(enlarged(_pixels(block)))


def _pixels(block: PixelBlock) -> "npt.NDArray[np.uint8]":
    import numpy as np

    return np.frombuffer(block.data, np.uint8).reshape(28, 28)
