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
        """An image is begun: the kernel ends this process (SIGPROF) should it take too long."""
        signal.setitimer(signal.ITIMER_PROF, SMALL_S)

    def expect(self, pixels: int) -> None:
        """Its header says that it has so many pixels, and they are allowed."""
        share = pixels / self.max_pixels
        signal.setitimer(signal.ITIMER_PROF, SMALL_S + self.decode_s * share)

    def cutting(self) -> None:
        """It is a sheet, whose cost depends on its characters and not on its size."""
        self.expect(CUTTING * self.max_pixels)

    def end(self) -> None:
        """Nothing is in hand."""
        signal.setitimer(signal.ITIMER_PROF, 0)
