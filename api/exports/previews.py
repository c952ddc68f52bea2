"""What a network saw of an image, as PNG. Few requests touch pixels: what that takes starts then."""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from model.card import Card
from worker.chunks import ImageFile, PixelBlock
from worker.decoding.nursery import NoDecoder
from worker.decoding.wire import Encoded
from worker.jobs import Job
from worker.results import Failure

from ..problems import Problem
from ..settings import GatewaySettings

if TYPE_CHECKING:
    from worker.decoding.answers import Outcome
    from worker.decoding.decoders import Decoders

T = TypeVar("T")

THREADS = 4
"""One decodes and the others wait for it; all that wait beyond them take no thread from uploads."""


class Previews:
    """Images as workers read them, decoded in a process apart as theirs are. For many threads."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._limits = (settings.max_pixels, settings.decode_s)
        self._decoders: Decoders | None = None
        self._turn = threading.Lock()
        self._threads = CapacityLimiter(THREADS)

    async def apart(self, call: Callable[[], T]) -> T:
        """Do what calls `png` in one of a few threads, however many ask."""
        return await run_sync(call, limiter=self._threads)

    def png(self, image: ImageFile | PixelBlock, job: Job, card: Card | None) -> bytes:
        """The 28x28 pixels of an image as `job` reads it.

        Raises `undecodable-image`, `image-too-large`, `not-ready`.
        """
        if isinstance(image, PixelBlock):
            return glyph_png(image)
        recipe = card.recipe if card and job.options.normalize == "auto" else None
        outcome = self._read(Encoded(image, recipe))
        if isinstance(outcome, Failure):
            raise Problem(outcome.type, f"{outcome.detail}.")
        assert not isinstance(outcome, list)
        return glyph_png(PixelBlock(outcome.pixels.tobytes()))

    def close(self) -> None:
        """End what was started."""
        if self._decoders:
            self._decoders.close()

    def _read(self, image: Encoded) -> "Outcome":
        from worker.decoding.decoders import Decoders

        with self._turn:
            try:
                self._decoders = self._decoders or Decoders(*self._limits)
                return self._decoders.read([image])[0]
            except NoDecoder as error:
                detail = f"Images cannot be decoded here now: {error}."
                raise Problem("not-ready", detail, retry_after=5) from error


def glyph_png(block: PixelBlock) -> bytes:
    """One image of an array."""
    import numpy as np

    from model.strokes import png

    return png(np.frombuffer(block.data, np.uint8).reshape(28, 28))
