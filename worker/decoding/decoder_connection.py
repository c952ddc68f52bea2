"""A worker's end of the socket to one decoder, whose replies are checked before they are believed."""

import socket
import time
from collections import deque
from collections.abc import Callable, Sequence

from model.glyph import Glyph
from model.layout import MOST_CHARACTERS

from ..ledger.results import Failure
from .allowance import CUTTING
from .progress import Progress
from .replies import HEAD_BYTES, BadReply, Outcome, Picture, open_body, open_head
from .wire import Encoded, pack_ask

BEAT_S = 1.0
"""How often, at least, a waiting worker reports that it is not stuck itself."""

NUMBERS = 1 << 32
"""Images are numbered in 32 bits; after about a month, the numbers begin at 0 again."""

_RECEIVED_BYTES = 1 << 16


class Lost(Exception):
    """The decoder is silent or talks nonsense, as the text says; without a text, it has ended."""


class Nonsense(Lost):
    """The reply makes no sense; the image at fault may be an earlier one than the one in hand."""


class DecoderConnection:
    """One decoder: its process id, and a socket on which a glyph may take at most `patience_s`."""

    def __init__(
        self,
        wire: socket.socket,
        pid: int,
        progress: Progress,
        patience_s: float,
        touch: Callable[[], None],
    ) -> None:
        self.pid, self._progress = pid, progress
        self._wire, self._patience_s, self._touch = wire, patience_s, touch
        self._received = bytearray()
        self._next = self._asked = 0
        self._waiting, self._allowed_s = deque[Encoded](), patience_s

    def ask(self, images: Sequence[Encoded]) -> None:
        """Send `images` to be read; an outcome of each will follow. Raises Lost."""
        first = self._asked if self._asked + len(images) <= NUMBERS else 0
        self._next, self._asked = first, first + len(images)
        self._waiting = deque(images)
        self._progress.take(0)
        self._wire.settimeout(self._patience_s)
        try:
            self._wire.sendall(pack_ask(self._next, images))
        except OSError as error:
            raise Lost from error

    @property
    def in_hand(self) -> range:
        """Which of the images asked for are in hand, according to the decoder."""
        first, count = self._progress.in_hand
        return range(first, first + count)

    def replies(self) -> Sequence[Outcome | Picture]:
        """The outcome of the next image, and maybe of some after it. Raises Lost."""
        kind = self._waiting[0].layout.kind
        self._allowed_s = self._patience_s * (1 if kind == "character" else 1 + CUTTING)
        end = time.monotonic() + self._allowed_s
        try:
            code, length = open_head(self._take(HEAD_BYTES, end), self._next)
            outcomes = open_body(code, self._take(length, end))
            if not (len(outcomes) <= len(self._waiting) and self._suit(outcomes)):
                raise BadReply(f"reply of kind {code}")
        except BadReply as error:
            raise Nonsense("decoding it made the decoder talk nonsense") from error
        self._next += len(outcomes)
        return outcomes

    def close(self) -> None:
        """Hang up, which the decoder will notice."""
        self._wire.close()

    def _suit(self, outcomes: Sequence[Outcome | Picture]) -> bool:
        """Whether `outcomes` are what was asked for; their images are taken off those waited for."""
        return all(_suits(each, self._waiting.popleft()) for each in outcomes)

    def _take(self, count: int, end: float) -> bytes:
        """The next `count` bytes. Raises Lost."""
        while len(self._received) < count:
            self._receive(end)
        taken = bytes(memoryview(self._received)[:count])
        del self._received[:count]
        return taken

    def _receive(self, end: float) -> None:
        self._touch()
        left = end - time.monotonic()
        if left <= 0:
            raise Lost(f"decoding it takes too long, over {self._allowed_s:.0f} s")
        self._wire.settimeout(min(left, BEAT_S))
        try:
            more = self._wire.recv(_RECEIVED_BYTES)
        except TimeoutError:
            return
        except OSError:
            more = b""
        if not more:
            raise Lost
        self._received += more


def _suits(outcome: Outcome | Picture, image: Encoded) -> bool:
    """Whether an outcome is what was asked for, and no larger than possible."""
    kind = image.layout.kind
    if isinstance(outcome, Failure):
        return True
    if image.marks:
        return isinstance(outcome, Picture)
    if kind == "character":
        return isinstance(outcome, Glyph)
    return isinstance(outcome, list) and len(outcome) <= MOST_CHARACTERS[kind]
