"""Whether a gateway of `inkqueue up` still shows signs of life: bytes from its event loop in a pipe.

No request would do: nobody can tell which of the gateways that share a port will answer it.
"""

import os
import time

SILENCE_S = 60.0
START_S = 240.0
"""So much longer a child may take until its first byte."""

LOOK_S = 1.0
"""How long one look into the pipe counts for at most."""


class Watchdog:
    """The pipe of one child, which writes to `writer`.

    Silence counts only while we look ourselves: where we have no turn, or the machine sleeps, a child
    cannot be blamed.
    """

    def __init__(self) -> None:
        self._reader, self.writer = os.pipe()
        for end in (self._reader, self.writer):
            os.set_blocking(end, False)
        self.restart()

    def restart(self) -> None:
        """From now on the child is another, which has said nothing yet."""
        self._heard()
        self._silence, self._looked = -START_S, time.monotonic()

    def expired(self) -> bool:
        """Look, and say whether the child has been silent for SILENCE_S."""
        now = time.monotonic()
        self._silence = 0.0 if self._heard() else self._silence + min(now - self._looked, LOOK_S)
        self._looked = now
        return self._silence > SILENCE_S

    def _heard(self) -> bool:
        try:
            return bool(os.read(self._reader, 1 << 16))
        except BlockingIOError:
            return False
