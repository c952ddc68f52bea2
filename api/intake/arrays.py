"""Arrays of 28x28 images, read without numpy and without pickle: .npy, and the IDX files of MNIST."""

import io
import math
import re
from collections.abc import Iterator, Sequence

from model.files.idx import BadIdx, is_idx, read_header
from worker.ledger.chunks import GLYPH_BYTES, PixelBlock

from ..problems import Problem
from ..settings import MIB
from .gzips import Gunzip

BLOCK = 1024 * GLYPH_BYTES
HARMLESS = 64 * MIB
"""Up to this size any ratio is accepted: blank paper compresses very well."""

_LONGEST_HEADER = 4096
# The header of a .npy is a Python literal: matched here, never evaluated.
_DESCR = re.compile(rb"'descr': *'([^']*)'")
_FORTRAN = re.compile(rb"'fortran_order': *(True|False)")
_SHAPE = re.compile(rb"'shape': *\(([\d, ]*)\)")


def read_npy(view: memoryview) -> PixelBlock:
    """The images of a .npy file (NEP 1): uint8, (n, 28, 28) or (28, 28), C order."""
    header, offset = _npy_header(view)
    descr, fortran, shape = (field.search(header) for field in (_DESCR, _FORTRAN, _SHAPE))
    if not (descr and fortran and shape):
        raise Problem("array-invalid", "The .npy header cannot be read; write it with numpy.save.")
    if b"O" in descr[1]:
        raise Problem("pickled-array", "The .npy holds Python objects; save it as uint8.")
    if descr[1].strip(b"|<>=") != b"u1" or fortran[1] == b"True":
        raise Problem("array-invalid", f"Send uint8 in C order, not {descr[1].decode('latin-1')!r}.")
    size = _size([int(axis) for axis in shape[1].replace(b",", b" ").split()])
    return _block(view[offset:], size)


def read_idx(view: memoryview) -> PixelBlock:
    """The images of an IDX file."""
    size, offset = _idx_size(bytes(view[:16]))
    return _block(view[offset:], size)


def read_idx_gz(view: memoryview, max_ratio: int) -> Iterator[PixelBlock]:
    """The images of a gzipped IDX file, block by block, so that it is never held unpacked."""
    with io.BufferedReader(Gunzip(view), BLOCK) as file:
        head = file.read(4)
        if not is_idx(head):
            raise Problem(
                "unsupported-media-type", "Only IDX files are read from .gz; unpack others first."
            )
        left, _ = _idx_size(head + file.read(4 * head[3]))
        if left > max(HARMLESS, max_ratio * len(view)):
            raise Problem("archive-bomb", f"The .gz unpacks to {left} bytes; send it unpacked.")
        while left:
            data = file.read(min(left, BLOCK))
            left -= len(data)
            if len(data) % GLYPH_BYTES or not data or (not left and file.read(1)):
                raise Problem(
                    "array-invalid", "The .gz does not hold what its header says; pack it again."
                )
            yield PixelBlock(data)


def _npy_header(view: memoryview) -> tuple[bytes, int]:
    """The header's text, and where the pixels begin."""
    start = 10 if bytes(view[6:7]) == b"\x01" else 12
    size = int.from_bytes(view[8:start], "little")
    if size > _LONGEST_HEADER:
        raise Problem("array-invalid", "The .npy header is too long; write it with numpy.save.")
    return bytes(view[start : start + size]), start + size


def _idx_size(head: bytes) -> tuple[int, int]:
    """How many bytes of pixels there must be, and where they begin."""
    try:
        header = read_header(head)
    except BadIdx as error:
        raise Problem("array-invalid", f"{error}.") from error
    return _size(header.shape), header.offset


def _size(shape: Sequence[int]) -> int:
    """The bytes of an array of images."""
    if len(shape) not in (2, 3) or tuple(shape[-2:]) != (28, 28):
        raise Problem("array-invalid", f"The shape is {tuple(shape)}; send (n, 28, 28).")
    return math.prod(shape)


def _block(pixels: memoryview, size: int) -> PixelBlock:
    if len(pixels) != size:
        detail = f"The header promises {size} bytes, but {len(pixels)} follow; save the array again."
        raise Problem("array-invalid", detail)
    return PixelBlock(pixels)
