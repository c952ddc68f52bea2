"""The decoders of a worker: one at first, and as many as it has threads once decoding takes long.

Small files are decoded sooner than they are read, scans are not; and a decoder holds 50 MB.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from .answers import Outcome
from .decoder import Decoder
from .fork_server import NoDecoder
from .wire import Encoded

WORTH_S = 0.004
"""A batch that one decoder has in less time is not worth sharing."""

LONG_S = 0.03
"""A batch that takes longer keeps those waiting who read."""


class DecoderPool:
    """Shares many files among all. Threads take turns at each."""

    def __init__(self, make: Callable[[], Decoder], most: int) -> None:
        """Raises NoDecoder."""
        self._make, self._most = make, most
        self._decoders = [make()]
        self._each_s = 0.0
        """Of an image, as it was lately."""
        self._adding: threading.Thread | None = None
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(most, "decode")

    def wait_ready(self) -> None:
        """Until the first runs; it starts by itself meanwhile. Raises NoDecoder."""
        self._decoders[0].wait_ready()

    def read(self, images: Sequence[Encoded]) -> list[Outcome]:
        """What each of n > 0 images shows, or why it shows nothing. Raises NoDecoder."""
        began, share = time.monotonic(), len(images) * self._each_s > WORTH_S
        decoders = list(self._decoders) if share else self._decoders[:1]
        outcomes = self._shared(images, decoders) if len(decoders) > 1 else decoders[0].read(images)
        took = time.monotonic() - began
        self._each_s = took * len(decoders) / len(images)
        if took > LONG_S:
            self._add()
        return outcomes

    def close(self) -> None:
        """End all."""
        if self._adding:
            self._adding.join()
        self._threads.shutdown()
        for each in self._decoders:
            each.close()

    def _shared(self, images: Sequence[Encoded], decoders: Sequence[Decoder]) -> list[Outcome]:
        shares = _shares(images, len(decoders))
        parts = self._threads.map(lambda decoder, share: decoder.read(share), decoders, shares)
        return [outcome for part in parts for outcome in part]

    def _add(self) -> None:
        """One more, who takes part once it is ready; nobody waits for it."""
        with self._lock:
            busy = self._adding is not None and self._adding.is_alive()
            if len(self._decoders) < self._most and not busy:
                self._adding = threading.Thread(target=self._add_one, name="new decoder", daemon=True)
                self._adding.start()

    def _add_one(self) -> None:
        with contextlib.suppress(NoDecoder):  # those that there are go on
            one = self._make()
            try:
                one.wait_ready()
            except NoDecoder:
                one.close()
                raise
            self._decoders.append(one)


def _shares(images: Sequence[Encoded], count: int) -> Iterable[Sequence[Encoded]]:
    """So many runs of the images, all about as long."""
    cuts = [len(images) * number // count for number in range(count + 1)]
    return [images[start:end] for start, end in pairwise(cuts)]
