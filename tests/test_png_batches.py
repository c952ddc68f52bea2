"""Batches of PNGs: plain ones look as they do one by one, whatever else there is stays with `images`."""

import time
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.drawn import draw
from model.files.images import BadImage, Grey, decode, png
from model.files.png_batches import MOST_PIXELS, Scanlines, read_scanlines, unfilter

from hostile_files import png_chunk, png_of, saved

DRAWING = draw("R", np.random.default_rng(7), side=28)
PLAIN = png(DRAWING)
ROWS = np.insert(DRAWING, 0, 0, axis=1).tobytes()
"""Filter 0, then the pixels, of each row."""


WINDOWED = b"\x08\x1d" + zlib.compress(ROWS)[2:]
"""Says that it wants a window of 256 bytes."""


def plain(file: bytes) -> Scanlines:
    found = read_scanlines(file)
    assert found
    return found


def filtered(pixels: Grey, kind: int, level: int) -> bytes:
    """A PNG with filters of one kind only (RFC 2083, section 6), or those that libpng chooses."""
    options = [cv2.IMWRITE_PNG_FILTER, kind, cv2.IMWRITE_PNG_COMPRESSION, level]
    return bytes(cv2.imencode(".png", pixels, options)[1])


def packed(rows: bytes, *before: bytes) -> bytes:
    """A 28x28 PNG of these filtered rows."""
    return png_of(28, 28, *before, pixels=rows)


def with_crc(file: bytes, at: int) -> bytes:
    """With the checksum at `at` off by one bit."""
    return file[:at] + bytes((file[at] ^ 1,)) + file[at + 1 :]


@given(
    st.lists(
        st.tuples(
            st.integers(1, 64),
            st.integers(1, 64),
            st.sampled_from([8, 16, 32, 64, 128, 248]),
            st.integers(0, 9),
            st.integers(0, 2**32 - 1),
        ),
        min_size=1,
        max_size=8,
    )
)
@settings(max_examples=100, deadline=None)
def test_pixels_are_those_of_images(kinds: list[tuple[int, int, int, int, int]]) -> None:
    files = [
        filtered(np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8), kind, level)
        for height, width, kind, level, seed in kinds
    ]
    found = list(unfilter([plain(file) for file in files]))
    for grey, file in zip(found, files, strict=True):
        assert grey.dtype == np.uint8
        assert grey.flags.c_contiguous
        assert np.array_equal(grey, decode(file))


def test_every_filter_looks_at_its_own_image_only() -> None:
    rng = np.random.default_rng(7)
    greys = [rng.integers(0, 256, (28, 28), np.uint8) for _ in range(5)]
    rows = [bytes((kind,)) + rng.bytes(28) for kind in (4, 3, 2, 1, 0, 4, 3)] * 4
    files = [packed(b"".join(rows)), *map(png, greys)] * 2
    for grey, file in zip(unfilter([plain(file) for file in files]), files, strict=True):
        assert np.array_equal(grey, decode(file))


def test_files_of_pillow_are_plain() -> None:
    assert np.array_equal(next(unfilter([plain(saved(DRAWING, "PNG"))])), DRAWING)


def test_nothing_is_nothing() -> None:
    assert list(unfilter([])) == []


OTHERS = {
    "nothing": b"",
    "JPEG": saved(DRAWING, "JPEG"),
    "colour": saved(DRAWING, "PNG", "RGB"),
    "palette": saved(DRAWING, "PNG", "P"),
    "one bit": saved(DRAWING, "PNG", "1"),
    "16 bits": png(DRAWING.astype(np.uint16) << 8),  # type: ignore[arg-type]
    "grey with alpha": saved(DRAWING, "PNG", "LA"),
    "more pixels": png(np.zeros((65, 64), np.uint8)),
    "no height": png_of(28, 0),
    "no width": png_of(0, 28),
    "a transparent grey": packed(ROWS, png_chunk(b"tRNS", b"\0\0")),
    "a time": packed(ROWS, png_chunk(b"tIME", bytes(7))),
    "a turn": packed(ROWS, png_chunk(b"eXIf", bytes(8))),
    "pixels in two parts": PLAIN[:33]
    + b"".join(png_chunk(b"IDAT", part) for part in (zlib.compress(ROWS)[:99], zlib.compress(ROWS)[99:]))
    + PLAIN[-12:],
    "a row less": packed(ROWS[:-29]),
    "a row more": packed(ROWS + ROWS[:29]),
    "a filter of no kind": packed(b"\5" + ROWS[1:]),
    "far more data than pixels": PLAIN[:33]
    + png_chunk(b"IDAT", zlib.compress(ROWS) + bytes(10_000))
    + PLAIN[-12:],
    "a window that is too small": PLAIN[:33] + png_chunk(b"IDAT", WINDOWED) + PLAIN[-12:],
    "no zlib": PLAIN[:33] + png_chunk(b"IDAT", b"none") + PLAIN[-12:],
    "a header that is damaged": with_crc(PLAIN, 32),
    "pixels that are damaged": with_crc(PLAIN, len(PLAIN) - 13),
    "an end that is damaged": with_crc(PLAIN, len(PLAIN) - 1),
    "something behind it": PLAIN + b"\0",
    "half": PLAIN[: len(PLAIN) // 2],
    "interlaced": PLAIN[:8] + png_chunk(b"IHDR", PLAIN[16:28] + b"\1") + PLAIN[33:],
}


def test_a_file_that_is_far_too_long_is_not_even_copied() -> None:
    long = memoryview(PLAIN + bytes(64 << 20))
    begun = time.thread_time()
    for _ in range(100):
        assert read_scanlines(long) is None
    assert time.thread_time() - begun < 0.1


@pytest.mark.parametrize("file", OTHERS.values(), ids=list(OTHERS))
def test_whatever_else_is_left_to_images(file: bytes) -> None:
    assert read_scanlines(file) is None


@given(st.integers(0, 8 * len(PLAIN) - 1), st.integers(0, len(PLAIN)))
@settings(max_examples=300, deadline=None)
def test_what_is_damaged_shows_what_images_shows_or_is_left_to_it(bit: int, end: int) -> None:
    flipped = bytearray(PLAIN)
    flipped[bit // 8] ^= 1 << bit % 8
    for damaged in (bytes(flipped), PLAIN[:end], PLAIN[:end] + PLAIN[end + 1 :]):
        found = read_scanlines(damaged)
        try:
            seen = decode(damaged)
        except BadImage:
            assert found is None
        else:
            assert found is None or np.array_equal(next(unfilter([found])), seen)


def test_what_is_larger_than_allowed_is_left_to_images() -> None:
    assert read_scanlines(PLAIN, DRAWING.size)
    assert read_scanlines(PLAIN, DRAWING.size - 1) is None
    assert read_scanlines(png(np.zeros((1, MOST_PIXELS), np.uint8)))
    assert read_scanlines(png(np.zeros((1, MOST_PIXELS + 1), np.uint8))) is None
