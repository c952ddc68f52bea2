"""A decoder's process: a new one is forked when the last is gone, by a new fork server if need be."""

import logging
import signal
import time
from collections.abc import Callable

from .allowance import SMALL_S
from .decoder_connection import DecoderConnection, Lost
from .fork_server import ForkServer, NoDecoder
from .wire import NO_MEMORY

log = logging.getLogger(__name__)

PATIENCE = 4
"""A reply may take this many times the processor time that an image is allowed."""

STARTS, PAUSE_S = 3, 0.5
"""How many attempts are made to get a decoder, and the pause between them."""


class DecoderProcess:
    """At most one fork server and one decoder at a time; to be used by one thread at a time."""

    def __init__(self, max_pixels: int, decode_s: float, touch: Callable[[], None]) -> None:
        """For the limits see allowance.Allowance; `touch` is called while a reply is awaited, and
        before a decoder is. Raises NoDecoder."""
        self._limits = (max_pixels, decode_s)
        self._patience_s, self._touch = PATIENCE * (SMALL_S + decode_s), touch
        self._fork_server: ForkServer | None = ForkServer(*self._limits)
        self._connection: DecoderConnection | None = None

    def connection(self) -> DecoderConnection:
        """The connection to the decoder, or to a new one if there is none. Raises NoDecoder."""
        for left in reversed(range(STARTS)):
            if self._connection:
                break
            self._touch()
            try:
                self._connection = self._fork()
            except NoDecoder as error:
                self.close()
                if not left:
                    raise
                log.warning("%s; trying again", error)
                time.sleep(PAUSE_S)
        assert self._connection
        return self._connection

    def bury(self, loss: Lost) -> tuple[str, bool]:
        """Bury the lost decoder; return why it ended, and whether the image is sure to end another."""
        assert self._connection is not None
        assert self._fork_server is not None
        connection, self._connection = self._connection, None
        connection.close()
        try:
            code = self._fork_server.bury(connection.pid)
        except NoDecoder as error:
            self.close()
            return str(loss) or f"decoding it took the decoder down ({error})", False
        return str(loss) or _reason(code), code == -signal.SIGPROF

    def close(self) -> None:
        """End the fork server and the decoder."""
        if self._connection:
            self._connection.close()
        if self._fork_server:
            self._fork_server.close()
        self._connection = self._fork_server = None

    def _fork(self) -> DecoderConnection:
        self._fork_server = self._fork_server or ForkServer(*self._limits)
        return DecoderConnection(
            *self._fork_server.fork(), self._fork_server.progress, self._patience_s, self._touch
        )


def _reason(code: int) -> str:
    """Why a decoder ended, in words for a client."""
    if code == -signal.SIGPROF:
        return "decoding it takes too long"
    if code == NO_MEMORY:
        return "decoding it takes too much memory"
    names = {-number: number.name for number in signal.Signals}
    return f"decoding it took the decoder down ({names.get(code, f'exit code {code}')})"
