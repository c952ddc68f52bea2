"""Arrays: .npy and IDX, compressed and not."""

import gzip

import numpy as np

from .asking import Body, uploaded
from .cases import Ask, cases
from hostile_files import deflated_array, idx, npy
from samples import glyphs, idx_of, npy_of

IMAGES = glyphs(3, np.random.default_rng(7))
U1 = "'|u1'"
INVALID, BOMB = "422 array-invalid", "413 archive-bomb"


def array(body: Body) -> Ask:
    """A POST of a .npy."""
    return uploaded("application/x-npy", body)


def numbers(body: Body) -> Ask:
    """A POST of IDX."""
    return uploaded("application/x-idx", body)


def packed(body: Body) -> Ask:
    """A POST of a .gz."""
    return uploaded("application/gzip", body)


TABLE = {
    "an array of another kind": {
        "floats": (array(npy("'<f4'", "(1, 28, 28)", bytes(3136))), INVALID),
        "signed bytes": (array(npy("'|i1'", "(1, 28, 28)", bytes(784))), INVALID),
        "booleans": (array(npy("'|b1'", "(1, 28, 28)", bytes(784))), INVALID),
        "Fortran order": (array(npy(U1, "(1, 28, 28)", bytes(784), fortran=True)), INVALID),
        "27 wide": (array(npy(U1, "(1, 28, 27)", bytes(756))), INVALID),
        "four axes": (array(npy(U1, "(1, 1, 28, 28)", bytes(784))), INVALID),
        "no axis": (array(npy(U1, "()", b"\0")), INVALID),
        "no image": (array(npy(U1, "(0, 28, 28)", b"")), "422 no-images"),
        "an .npz": (array(b"PK\3\4" + bytes(99)), "422 archive-invalid"),
        "labels": (numbers(idx(10, pixels=bytes(10))), INVALID),
        "IDX of floats": (numbers(b"\0\0\x0d\3" + bytes(99)), "422 unknown-format"),
        "IDX of 20 x 20": (numbers(idx(1, 20, 20, pixels=bytes(400))), INVALID),
        "IDX of no image": (numbers(idx(0, 28, 28)), "422 no-images"),
        "text in a .gz": (packed(gzip.compress(b"text")), "415 unsupported-media-type"),
        "a .gz of nothing": (packed(gzip.compress(b"")), "415 unsupported-media-type"),
        "a .npy in a .gz": (packed(gzip.compress(npy_of(IMAGES))), "415 unsupported-media-type"),
    },
    "an array that is damaged": {
        "a .npy cut off": (array(npy_of(IMAGES)[:-1]), INVALID),
        "a .npy and more": (array(npy_of(IMAGES) + b"\0"), INVALID),
        "six bytes": (array(b"\x93NUMPY"), INVALID),
        "a deep header": (array(npy("(" * 3000, "(1, 28, 28)", b"")), INVALID),
        "a header of 60 KB": (array(npy(" " * 60_000, "(1, 28, 28)", b"")), INVALID),
        "fewer than promised": (numbers(idx(4, 28, 28, pixels=bytes(3 * 784))), INVALID),
        "more than promised": (numbers(idx(2, 28, 28, pixels=bytes(3 * 784))), INVALID),
        "2^32 images": (numbers(idx((1 << 32) - 1, 28, 28, pixels=bytes(784))), INVALID),
        "IDX of four bytes": (numbers(b"\0\0\x08\3"), INVALID),
        "a .gz cut off": (packed(idx_of(IMAGES)[:-9]), "422 archive-invalid"),
        "a damaged .gz": (packed(b"\x1f\x8b" + b"\xff" * 99), "422 archive-invalid"),
        "a .gz of two bytes": (packed(b"\x1f\x8b"), "422 archive-invalid"),
        "a .gz of more than promised": (
            packed(gzip.compress(idx(1, 28, 28, pixels=bytes(999)))),
            INVALID,
        ),
        "784 MB of zeros": (packed(lambda: deflated_array(1_000_000, 748)), BOMB),
    },
}

CASES = list(cases("arrays", TABLE))
