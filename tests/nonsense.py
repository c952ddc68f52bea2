"""Random uploads, for hypothesis: noise behind a magic number, damaged files, well-formed lies."""

import gzip
import struct
from collections.abc import Callable

import numpy as np
from hypothesis import strategies as st

from model.drawn import draw

from hostile_files import DEFLATED, Entry, end_of_zip, end_of_zip64, idx, npy, png_chunk, raw_zip, saved
from samples import glyphs, idx_of, npy_of, tiff_of, zip_of

RNG = np.random.default_rng(7)
SMALL = draw("R", RNG)[::3, ::3].copy()
PNG, JPEG = saved(SMALL, "PNG"), saved(SMALL, "JPEG")
IMAGES = glyphs(2, RNG)
REAL = {
    "png": PNG,
    "palette": saved(SMALL, "PNG", "P"),
    "jpeg": JPEG,
    "progressive": saved(SMALL, "JPEG", progressive=True),
    "webp": saved(SMALL, "WEBP", lossless=True),
    "lossy webp": saved(SMALL, "WEBP"),
    "bmp": saved(SMALL, "BMP"),
    "tiff": saved(SMALL, "TIFF", compression="tiff_lzw"),
    "pages": tiff_of([SMALL, SMALL.T]),
    "zip": zip_of({"a.png": PNG, "b.jpg": JPEG, "c/d.npy": npy_of(IMAGES)}),
    "zip of pages": zip_of({"a.tif": tiff_of([SMALL, SMALL.T])}),
    "npy": npy_of(IMAGES),
    "idx": idx_of(IMAGES, compressed=False),
    "idx.gz": idx_of(IMAGES),
}
"""Small files that can be read."""

MAGICS = (
    *(b"", b"PK\3\4", b"PK\5\6", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM", b"RIFF\0\0\0\0WEBP"),
    *(b"II*\0", b"MM\0*", b"\x93NUMPY\1\0", b"\x93NUMPY\2\0", b"\0\0\x08\3", b"\x1f\x8b\x08"),
)
EDGES = (0, 1, 2, 27, 28, 784, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


def numbers(bits: int = 32) -> st.SearchStrategy[int]:
    """Numbers of so many bits, mostly those at the edges."""
    most = (1 << bits) - 1
    return st.sampled_from([each for each in EDGES if each <= most]) | st.integers(0, most)


def noise() -> st.SearchStrategy[bytes]:
    """Any bytes behind a magic number."""
    return st.builds(bytes.__add__, st.sampled_from(MAGICS), st.binary(max_size=300))


@st.composite
def damaged(draw: Callable[..., object]) -> bytes:
    """A real file with bytes changed, left out, repeated or put in."""
    data = bytearray(REAL[draw(st.sampled_from(sorted(REAL)))])  # type: ignore[index]
    for _ in range(draw(st.integers(1, 4))):  # type: ignore[call-overload]
        at = draw(st.integers(0, len(data)) | st.integers(0, min(99, len(data))))
        gone = draw(st.integers(0, 4) | st.integers(0, len(data)))
        new = draw(st.binary(max_size=8) | numbers().map(lambda number: struct.pack("<I", number)))
        data[at : at + gone] = new  # type: ignore[index, operator]
    return bytes(data)


def entries() -> st.SearchStrategy[Entry]:
    """Entries of a ZIP that lie about themselves."""
    return st.builds(
        Entry,
        name=st.binary(max_size=20) | st.sampled_from([b"a.png", b"../a", b"a/", b"__MACOSX/a"]),
        data=st.sampled_from([PNG, b"", b"\x03\0", npy_of(IMAGES)]) | st.binary(max_size=50),
        method=st.sampled_from([0, DEFLATED, 9, 99]),
        flags=st.sampled_from([0, 1, 8, 0x800]),
        mode=st.sampled_from([0, 0o100644, 0o120777, 0o40755]),
        crc=st.none() | numbers(),
        packed=st.none() | numbers(),
        unpacked=st.none() | numbers(),
        offset=st.none() | numbers(),
        extra=st.binary(max_size=30)
        | st.builds(lambda *sizes: struct.pack("<HH3Q", 1, 24, *sizes), *[numbers(64)] * 3),
    )


@st.composite
def zips(draw: Callable[..., object]) -> bytes:
    """A ZIP of such entries, whose end record may lie as well."""
    made = draw(st.lists(entries(), max_size=4))
    count, shift = draw(st.none() | numbers(16)), draw(st.integers(-99, 99))
    try:
        whole = raw_zip(*made, count=count, shift=shift)  # type: ignore[misc, arg-type]
    except struct.error:  # a shift to before the beginning
        whole = raw_zip(*made)  # type: ignore[misc]
    end = draw(
        st.just(b"")
        | st.builds(end_of_zip, numbers(16), numbers(), numbers())
        | st.builds(end_of_zip64, numbers(64), numbers(64), numbers(64), st.just(len(whole)))
    )
    return b"PK\3\4" * (not made) + whole + end  # type: ignore[operator]


def arrays() -> st.SearchStrategy[bytes]:
    """Arrays whose headers and pixels do not agree."""
    pixels = st.sampled_from([b"", bytes(784), IMAGES.tobytes()]) | st.binary(max_size=30)
    shapes = st.lists(numbers(64), max_size=4).map(lambda axes: f"({', '.join(map(str, axes))},)")
    headers = st.sampled_from(["'|u1'", "'<f8'", "'|O'", "[('a', 'O')]", "'" + "u1" * 900 + "'"])
    idxs = st.builds(lambda axes, data: idx(*axes, pixels=data), st.lists(numbers(), max_size=4), pixels)
    npys = st.builds(
        lambda descr, shape, data, fortran, version: npy(
            descr, shape, data, fortran=fortran, version=version
        ),
        headers,
        shapes | st.text(max_size=30),
        pixels,
        st.booleans(),
        st.sampled_from([1, 2, 3]),
    )
    return idxs | npys | idxs.map(gzip.compress) | npys.map(gzip.compress)


@st.composite
def tiffs(draw: Callable[..., object]) -> bytes:
    """A TIFF of pages with random tags, in either byte order."""
    order = draw(st.sampled_from("<>"))
    out = bytearray((b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8))
    tags = st.sampled_from([256, 257, 258, 259, 262, 273, 277, 278, 279, 322, 324, 325, 330, 338, 700])
    for _ in range(draw(st.integers(0, 3))):  # type: ignore[call-overload]
        fields = draw(st.lists(st.tuples(tags, st.integers(0, 13), numbers(), numbers()), max_size=12))
        out += struct.pack(f"{order}H", draw(st.just(len(fields)) | numbers(16)))  # type: ignore[arg-type]
        out += b"".join(struct.pack(f"{order}HHII", *each) for each in fields)  # type: ignore[attr-defined]
        out += struct.pack(f"{order}I", draw(st.sampled_from([0, 8, len(out) + 4]) | numbers()))
    return bytes(out) + draw(st.binary(max_size=60))  # type: ignore[operator]


@st.composite
def pngs(draw: Callable[..., object]) -> bytes:
    """A PNG of valid chunks that make no picture."""
    head = struct.pack(
        ">IIBBBBB", *(draw(numbers()) for _ in range(2)), *(draw(st.integers(0, 17)) for _ in range(5))
    )
    kinds = st.sampled_from(
        [b"IDAT", b"PLTE", b"tRNS", b"gAMA", b"acTL", b"fcTL", b"fdAT", b"zTXt", b"IHDR"]
    )
    chunks = draw(st.lists(st.builds(png_chunk, kinds, st.binary(max_size=40)), max_size=5))
    first = png_chunk(b"IHDR", head)
    return b"".join([MAGICS[3], first, *chunks, png_chunk(b"IEND", b"")])  # type: ignore[misc]


ANYTHING = noise() | damaged() | zips() | arrays() | tiffs() | pngs()
