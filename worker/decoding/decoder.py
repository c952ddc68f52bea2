"""A decoder's life: image files in, glyphs out, until the worker closes the socket.

It runs in the sandbox already. How far it has come when it dies names the image that did it.
"""

import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass

from model.images import BadImage, TooLarge, decode
from model.normalization import normalize
from model.sheets.cutting import cut

from ..chunks import ImageFile
from ..results import TOO_LARGE, UNDECODABLE, Failure
from .answers import Outcome, Picture
from .outbox import Outbox
from .pictures import draw
from .progress import Progress
from .wire import CUTTING, SMALL_S, Encoded, read_ask

Strike = Callable[[ImageFile, int], None]


@dataclass(frozen=True)
class Allowance:
    """What an image may have: pixels, and seconds of processor time if it has all of them."""

    max_pixels: int
    decode_s: float

    def begin(self) -> None:
        """An image is taken in hand: the kernel ends this process (SIGPROF) should it take too long."""
        signal.setitimer(signal.ITIMER_PROF, SMALL_S)

    def expect(self, pixels: int) -> None:
        """Its header says that it has so many pixels, and they are allowed."""
        share = pixels / self.max_pixels
        signal.setitimer(signal.ITIMER_PROF, SMALL_S + self.decode_s * share)

    def cutting(self) -> None:
        """It is a sheet, which costs by the characters on it, whatever its size."""
        self.expect(CUTTING * self.max_pixels)

    def end(self) -> None:
        """Nothing is in hand."""
        signal.setitimer(signal.ITIMER_PROF, 0)


def serve(
    wire: socket.socket, progress: Progress, allowance: Allowance, strike: Strike | None
) -> None:
    """Answer until the socket is closed. `strike` (tests only) may do harm as an image would."""
    stream = wire.makefile("rb")
    while ask := read_ask(stream):
        first, images = ask
        outbox = Outbox(wire, progress, first)
        for image in images:
            allowance.begin()
            if strike:
                strike(image.file, wire.fileno())
            outbox.add(_read(image, allowance))
        allowance.end()
        outbox.send()


def _read(image: Encoded, allowance: Allowance) -> Outcome | Picture:
    """What an image shows. A lack of memory may pass, so it is let through and ends this process."""
    try:
        return _seen(image, allowance)
    except BadImage as error:
        return Failure(TOO_LARGE if isinstance(error, TooLarge) else UNDECODABLE, str(error))
    except MemoryError:
        raise
    except Exception as error:  # a fault of ours that an image has found is no reason to lose others
        return Failure(UNDECODABLE, f"decoding it failed: {type(error).__name__}: {error}")


def _seen(image: Encoded, allowance: Allowance) -> Outcome | Picture:
    grey = decode(image.file, allowance.max_pixels, allowance.expect)
    if image.layout.kind != "character":
        allowance.cutting()
    if image.marks:
        return draw(grey, image.recipe, image.layout, image.marks)
    if image.layout.kind == "character":
        return normalize(grey, image.recipe)
    return cut(grey, image.recipe, image.layout)
