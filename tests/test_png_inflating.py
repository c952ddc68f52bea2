"""PNGs with stored pixels: OpenCV sees in them what it sees in the file itself, or fails as it does."""

import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.drawn import draw
from model.files.headers import png_chunks
from model.files.png_inflating import MOST_BYTES, MOST_PARTS, with_stored_pixels

from hostile_files import Pixels, png_chunk, png_of, saved

DRAWING = draw("R", np.random.default_rng(7), side=64)
ROWS = np.insert(DRAWING, 0, 0, axis=1).tobytes()
LARGE = draw("R", np.random.default_rng(7), side=400)
"""Its pixels are in several chunks."""


def in_chunks(file: bytes, *pixels: bytes) -> bytes:
    """`file` with these chunks instead of its single one of pixels."""
    start, end = next((start - 8, end + 4) for kind, start, end in png_chunks(file) if kind == b"IDAT")
    return file[:start] + b"".join(pixels) + file[end:]


def seen(file: bytes) -> Pixels | None:
    found = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_UNCHANGED)
    return None if found is None else np.asarray(found)


def with_pixels(packed: bytes) -> bytes:
    return in_chunks(saved(DRAWING, "PNG"), png_chunk(b"IDAT", packed))


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "I;16"])
def test_every_kind_of_pixels_is_seen_as_before(mode: str) -> None:
    file = saved(LARGE, "PNG", mode)
    unpacked = with_stored_pixels(file)
    assert len(unpacked) > len(file)
    assert np.array_equal(seen(unpacked), seen(file))  # type: ignore[arg-type]


PACKED = zlib.compress(ROWS)
ODD = {
    "no PNG": saved(DRAWING, "JPEG"),
    "few pixels": saved(DRAWING[:28, :28], "PNG"),
    "interlaced": png_of(64, 64)[:28] + b"\1" + png_of(64, 64)[29:],
    "a window that is too small": with_pixels(b"\x08\x1d" + PACKED[2:]),
    "a row less": with_pixels(zlib.compress(ROWS[:-65])),
    "a row more": with_pixels(zlib.compress(ROWS + ROWS[:65])),
    "no pixels": with_pixels(b""),
    "something between the pixels": in_chunks(
        saved(DRAWING, "PNG"),
        png_chunk(b"IDAT", PACKED[:99]),
        png_chunk(b"tIME", bytes(7)),
        png_chunk(b"IDAT", PACKED[99:]),
    ),
    "very many parts": in_chunks(
        saved(DRAWING, "PNG"), png_chunk(b"IDAT", b"") * MOST_PARTS, png_chunk(b"IDAT", PACKED)
    ),
    "very many pixels": saved(np.zeros((MOST_BYTES >> 12, 1 << 12), np.uint8), "PNG"),
}


@pytest.mark.parametrize("file", ODD.values(), ids=list(ODD))
def test_other_files_are_left_as_they_are(file: bytes) -> None:
    assert with_stored_pixels(file) is file


@given(st.integers(0, 8 * len(PACKED) - 1), st.integers(0, len(PACKED)))
@settings(max_examples=300, deadline=None)
def test_damaged_pixels_are_seen_or_refused_as_before(bit: int, end: int) -> None:
    flipped = bytearray(PACKED)
    flipped[bit // 8] ^= 1 << bit % 8
    for damaged in (
        bytes(flipped),
        PACKED[:end],
        PACKED[:end] + PACKED[end + 1 :],
        PACKED + PACKED[:end],
    ):
        file = with_pixels(damaged)
        before, now = seen(file), seen(with_stored_pixels(file))
        assert (before is None) == (now is None)
        assert before is None or np.array_equal(before, now)  # type: ignore[arg-type]
