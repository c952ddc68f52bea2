"""Arrays of 28x28 images: NumPy's .npy and the IDX files of MNIST; neither numpy nor pickle is used."""

import ast
import struct
import zlib
from collections.abc import Sequence

from model.idx import BadIdx, read_header
from worker.chunks import GLYPH_BYTES, PixelBlock

from ..problems import Problem

NPY_MAGIC = b"\x93NUMPY"
GZIP_MAGIC = b"\x1f\x8b"
_LONGEST_HEADER = 4096


def read_npy(view: memoryview) -> PixelBlock:
    """The images of a .npy file (NEP 1): uint8, (n, 28, 28) or (28, 28), C order."""
    try:
        shape, offset = _npy_header(view)
    except (ValueError, SyntaxError, KeyError, TypeError, struct.error, RecursionError) as error:
        raise Problem("array-invalid", "The .npy header cannot be read.") from error
    return _block(view, shape, offset)


def read_idx(view: memoryview) -> PixelBlock:
    """The images of an IDX file."""
    try:
        header = read_header(bytes(view[:16]))
    except BadIdx as error:
        raise Problem("array-invalid", f"{error}.") from error
    return _block(view, header.shape, header.offset)


def gunzip(view: memoryview, most: int) -> memoryview:
    """The content of a .gz file. Raises `archive-bomb` over `most` bytes."""
    inflate = zlib.decompressobj(31)
    try:
        data = inflate.decompress(view, most + 1)
    except zlib.error as error:
        raise Problem("archive-invalid", f"The .gz is damaged: {error}.") from error
    if len(data) > most:
        raise Problem("archive-bomb", f"The .gz unpacks to over {most} bytes.", limit=most)
    if not inflate.eof:
        raise Problem("archive-invalid", "The .gz is cut off.")
    return memoryview(data)


def _npy_header(view: memoryview) -> tuple[tuple[int, ...], int]:
    major = view[6]
    form, start = ("<H", 10) if major == 1 else ("<I", 12)
    (size,) = struct.unpack_from(form, view, 8)
    if size > _LONGEST_HEADER:
        raise ValueError("header too long")
    header = ast.literal_eval(bytes(view[start : start + size]).decode("latin-1").strip())
    if "O" in str(header["descr"]):
        raise Problem("pickled-array", "The .npy holds Python objects; save it as uint8.")
    if header["descr"] not in ("|u1", "u1", "<u1", ">u1") or header["fortran_order"]:
        raise Problem("array-invalid", f"Send uint8 in C order, not {header['descr']!r}.")
    return tuple(int(axis) for axis in header["shape"]), start + size


def _block(view: memoryview, shape: Sequence[int], offset: int) -> PixelBlock:
    if len(shape) == 2:
        shape = (1, *shape)
    if len(shape) != 3 or tuple(shape[1:]) != (28, 28):
        raise Problem("array-invalid", f"The shape is {tuple(shape)}; (n, 28, 28) is read.")
    if len(view) - offset != shape[0] * GLYPH_BYTES:
        raise Problem(
            "array-invalid",
            f"The header promises {shape[0]} images, the file holds {len(view) - offset} bytes.",
        )
    return PixelBlock(view[offset:])
