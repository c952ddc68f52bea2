"""Detects gateways of `inkqueue up` that hang, by the bytes that an event loop keeps writing to a pipe.

A request would not do: any of the gateways that share a port might answer it.
"""

import os
import time

SILENCE_S = 60.0
START_S = 240.0
"""How much longer a child may take until its first byte."""

LOOK_S = 1.0
"""The most silence that one look into the pipe can count."""


class Watchdog:
    """The pipe of one child, which writes to `writer`.

    Silence counts only while we look: if this process had no turn, or the machine slept, the child is
    not to blame.
    """

    def __init__(self) -> None:
        self._reader, self.writer = os.pipe()
        for end in (self._reader, self.writer):
            os.set_blocking(end, False)
        self.restart()

    def restart(self) -> None:
        """Start over for a new child, which has written nothing yet."""
        self._heard()
        self.silence, self._most = 0.0, START_S + SILENCE_S
        self._looked = time.monotonic()

    def expired(self) -> bool:
        """Look, and say whether the child has been silent (for `silence` seconds) for too long."""
        now = time.monotonic()
        if self._heard():
            self.silence, self._most = 0.0, SILENCE_S
        else:
            self.silence += min(now - self._looked, LOOK_S)
        self._looked = now
        return self.silence > self._most

    def _heard(self) -> bool:
        try:
            return bool(os.read(self._reader, 1 << 16))
        except BlockingIOError:
            return False
