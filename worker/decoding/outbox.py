"""A decoder's answers on their way out: glyphs together, since a message each costs more than a glyph."""

import socket
import time

from model.glyph import Glyph

from .answers import BLOCK, Outcome, Picture, pack_answer, pack_glyphs
from .progress import Progress

LATE_S = 0.01
"""No glyph waits longer for others, unless these take so long."""


class Outbox:
    """The answers about images that are numbered from `first` on."""

    def __init__(self, wire: socket.socket, progress: Progress, first: int) -> None:
        self._wire, self._progress = wire, progress
        self._first = self._next = first
        self._glyphs: list[Glyph] = []
        self._sent = time.monotonic()

    def add(self, outcome: Outcome | Picture) -> None:
        """What became of the next image."""
        self._progress.done = self._next + 1 - self._first
        if not isinstance(outcome, Glyph):
            self.send()
            self._wire.sendall(pack_answer(self._next, outcome))
        else:
            self._glyphs.append(outcome)
        self._next += 1
        if len(self._glyphs) == BLOCK or time.monotonic() - self._sent > LATE_S:
            self.send()

    def send(self) -> None:
        """Whatever waits."""
        if self._glyphs:
            self._wire.sendall(pack_glyphs(self._next - len(self._glyphs), self._glyphs))
            self._glyphs = []
        self._sent = time.monotonic()
