"""A decoder's life: image files in, glyphs out, until the worker closes the socket.

It runs inside the sandbox. If it dies, the image that it has in hand is the one to blame.
"""

import socket
from collections.abc import Callable

from model.files.images import BadImage, TooLarge, decode
from model.files.png_batches import read_scanlines
from model.sheets.cutting import cut

from ..ledger.chunks import ImageFile
from ..ledger.results import TOO_LARGE, UNDECODABLE, Failure
from .allowance import Allowance
from .block import Block, Seen
from .pictures import draw
from .progress import Progress
from .wire import Encoded, read_ask

Strike = Callable[[ImageFile, int], None]


def serve(wire: socket.socket, progress: Progress, allowance: Allowance, strike: Strike | None) -> None:
    """Answer until the socket is closed. `strike` (tests only) may do harm as an image could."""
    stream = wire.makefile("rb")
    while ask := read_ask(stream):
        first, images = ask
        block = Block(wire, progress, allowance, first)
        for place, image in enumerate(images):
            progress.take(place)
            allowance.begin()
            if strike:
                strike(image.file, wire.fileno())
            block.add(_read(image, allowance), image.normalization)
        block.reply()
        allowance.end()


def _read(image: Encoded, allowance: Allowance) -> Seen:
    """What an image shows. MemoryError is let through and ends this process: the lack may pass."""
    try:
        return _seen(image, allowance)
    except BadImage as error:
        return Failure(TOO_LARGE if isinstance(error, TooLarge) else UNDECODABLE, str(error))
    except MemoryError:
        raise
    except Exception as error:  # a bug of ours that one image triggers must not cost others
        return Failure(UNDECODABLE, f"decoding it failed: {type(error).__name__}: {error}")


def _seen(image: Encoded, allowance: Allowance) -> Seen:
    alone = image.layout.kind == "character" and not image.marks
    if alone and (scanlines := read_scanlines(image.file, allowance.max_pixels)):
        return scanlines
    grey = decode(image.file, allowance.max_pixels, allowance.expect)
    if image.layout.kind != "character":
        allowance.cutting()
    if image.marks:
        return draw(grey, image.normalization, image.layout, image.marks)
    if alone:
        return grey
    return cut(grey, image.normalization, image.layout)
