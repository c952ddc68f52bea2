"""What an image may cost a decoder: processor time, by its pixels."""

import signal
from dataclasses import dataclass

from .wire import CUTTING, SMALL_S


@dataclass(frozen=True)
class Allowance:
    """What an image may have: pixels, and seconds of processor time for one that has them all."""

    max_pixels: int
    decode_s: float

    def begin(self) -> None:
        """Begin an image: the kernel ends this process (SIGPROF) if it takes too long."""
        self._allow(0)

    def expect(self, pixels: int) -> None:
        """Allow from now on the time for this many pixels, which an image's header has announced."""
        self._allow(min(1, pixels / self.max_pixels))

    def cutting(self) -> None:
        """Allow from now on the time to cut a sheet, which depends on its characters, not its size."""
        self._allow(CUTTING)

    def end(self) -> None:
        """Stop the timer: no image is in hand."""
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _allow(self, share: float) -> None:
        signal.setitimer(signal.ITIMER_PROF, SMALL_S + self.decode_s * share)
