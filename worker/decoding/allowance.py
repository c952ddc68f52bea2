"""What an image may cost a decoder: processor time, by its pixels."""

import signal
from dataclasses import dataclass

SMALL_S = 0.1
"""Seconds of processor time for any image; decoding a small one takes a thousandth of that."""

CUTTING = 2
"""Cutting a sheet may take so many times as long as decoding the largest image: with 10,000 characters,
it does."""


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
