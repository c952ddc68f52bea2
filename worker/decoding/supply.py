"""Supplies decoders: a new one is forked when the last is gone, by a new fork server if need be."""

import logging
import signal
import time
from collections.abc import Callable

from .fork_server import ForkServer, NoDecoder
from .link import Link, Lost
from .wire import NO_MEMORY, SMALL_S

log = logging.getLogger(__name__)

PATIENCE = 4
"""An answer may take this many times the processor time that an image is allowed."""

STARTS, PAUSE_S = 3, 0.5
"""How many attempts are made to get a decoder, and the pause between them."""


class Supply:
    """At most one fork server and one decoder at a time; to be used by one thread at a time."""

    def __init__(self, max_pixels: int, decode_s: float, touch: Callable[[], None]) -> None:
        """For the limits see allowance.Allowance; `touch` is called while an answer is awaited, and
        before a decoder is. Raises NoDecoder."""
        self._limits = (max_pixels, decode_s)
        self._patience_s, self._touch = PATIENCE * (SMALL_S + decode_s), touch
        self._fork_server: ForkServer | None = ForkServer(*self._limits)
        self._link: Link | None = None

    def link(self) -> Link:
        """The link to the decoder, or to a new one if there is none. Raises NoDecoder."""
        for left in reversed(range(STARTS)):
            if self._link:
                break
            self._touch()
            try:
                self._link = self._fork()
            except NoDecoder as error:
                self.close()
                if not left:
                    raise
                log.warning("%s; trying again", error)
                time.sleep(PAUSE_S)
        assert self._link
        return self._link

    def bury(self, loss: Lost) -> tuple[str, bool]:
        """Bury the lost decoder; return why it ended, and whether the image is sure to end another."""
        assert self._link is not None
        assert self._fork_server is not None
        link, self._link = self._link, None
        link.close()
        try:
            code = self._fork_server.bury(link.pid)
        except NoDecoder as error:
            self.close()
            return str(loss) or f"decoding it took the decoder down ({error})", False
        return str(loss) or _reason(code), code == -signal.SIGPROF

    def close(self) -> None:
        """End the fork server and the decoder."""
        if self._link:
            self._link.close()
        if self._fork_server:
            self._fork_server.close()
        self._link = self._fork_server = None

    def _fork(self) -> Link:
        self._fork_server = self._fork_server or ForkServer(*self._limits)
        return Link(*self._fork_server.fork(), self._fork_server.progress, self._patience_s, self._touch)


def _reason(code: int) -> str:
    """Why a decoder ended, in words for a client."""
    if code == -signal.SIGPROF:
        return "decoding it takes too long"
    if code == NO_MEMORY:
        return "decoding it takes too much memory"
    names = {-number: number.name for number in signal.Signals}
    return f"decoding it took the decoder down ({names.get(code, f'exit code {code}')})"
