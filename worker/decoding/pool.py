"""The decoders of a worker: one at first, then up to one per thread, if decoding takes long.

Small files are decoded faster than the network reads them, scans are not; and a decoder takes 50 MB.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from .decoder import Decoder
from .fork_server import NoDecoder
from .replies import Outcome
from .wire import Encoded

WORTH_S = 0.004
"""A batch that takes one decoder less time is not worth sharing."""

LONG_S = 0.03
"""A batch that takes longer keeps the network waiting: a decoder is added."""


class DecoderPool:
    """Shares large batches among all decoders. Threads take turns at each decoder."""

    def __init__(self, make: Callable[[], Decoder], most: int) -> None:
        """`make` starts a decoder, of which there are `most` at most. Raises NoDecoder."""
        self._make, self._most = make, most
        self._decoders = [make()]
        self._each_s = 0.0
        """Seconds that a decoder took for an image of the last batch."""
        self._adding: threading.Thread | None = None
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(most, "decode")

    def wait_ready(self) -> None:
        """Wait until the first decoder, which starts by itself, is ready. Raises NoDecoder."""
        self._decoders[0].wait_ready()

    def read(self, images: Sequence[Encoded]) -> list[Outcome]:
        """What each of n > 0 images shows, or why it could not be decoded. Raises NoDecoder."""
        began, share = time.monotonic(), len(images) * self._each_s > WORTH_S
        decoders = list(self._decoders) if share else self._decoders[:1]
        outcomes = self._shared(images, decoders) if len(decoders) > 1 else decoders[0].read(images)
        took = time.monotonic() - began
        self._each_s = took * len(decoders) / len(images)
        if took > LONG_S:
            self._add()
        return outcomes

    def close(self) -> None:
        """End all decoders."""
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
        """Start one more decoder, which takes part once it is ready; no batch waits for it."""
        with self._lock:
            busy = self._adding is not None and self._adding.is_alive()
            if len(self._decoders) < self._most and not busy:
                self._adding = threading.Thread(target=self._add_one, name="new decoder", daemon=True)
                self._adding.start()

    def _add_one(self) -> None:
        with contextlib.suppress(NoDecoder):  # the others go on
            one = self._make()
            try:
                one.wait_ready()
            except NoDecoder:
                one.close()
                raise
            self._decoders.append(one)


def _shares(images: Sequence[Encoded], count: int) -> Iterable[Sequence[Encoded]]:
    """`images` in `count` runs of about equal length."""
    cuts = [len(images) * number // count for number in range(count + 1)]
    return [images[start:end] for start, end in pairwise(cuts)]
