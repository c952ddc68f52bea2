"""Images that do harm when they are decoded, as one could that exploits a hole in a decoder."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from model.layout import MAX_PIXELS
from worker.decoding.decoder import Decoder

from hostile_files import png_chunk

DECODE_S = 3.0

REASONS = {
    "segfault": "decoding it took the decoder down (SIGSEGV)",
    "abort": "decoding it took the decoder down (SIG",
    "memory": "decoding it takes too much memory",
    "loop": "decoding it takes too long",
    "spin": "decoding it takes too long",
    "exit": "decoding it took the decoder down (exit code 0)",
    "nonsense": "decoding it made the decoder talk nonsense",
    "flood": "decoding it made the decoder talk nonsense",
    "half": "decoding it took the decoder down (exit code 0)",
}
"""The detail of the failure, or its beginning, for each kind of failpoint that strikes at once."""

ENVIRONMENT = {"INKQUEUE_FAILPOINTS": "1"}


def armed(png: bytes, kind: str) -> bytes:
    """A PNG that reads as before, except for a text chunk that triggers a failpoint."""
    end = len(png) - 12  # of the last chunk, which is empty
    return png[:end] + png_chunk(b"tEXt", b"x\0inkqueue-failpoint:%s;" % kind.encode()) + png[end:]


@contextmanager
def decoding(**limits: float) -> Iterator[Decoder]:
    """A real decoder, with failpoints if the environment enables them."""
    facts = {"max_pixels": MAX_PIXELS, "decode_s": DECODE_S} | limits
    decoder = Decoder(int(facts["max_pixels"]), facts["decode_s"])
    try:
        decoder.wait_ready()
        yield decoder
    finally:
        decoder.close()


@contextmanager
def failpoints() -> Iterator[None]:
    """Enable failpoints in fork servers that are started meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        yield
