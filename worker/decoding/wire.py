"""What a worker asks its decoder over their socket; what comes back is in `replies`. Little-endian.

u32 number of the first image, u32 count; for each image u8 normalization, u8 layout, u16 rows, u16
columns, u32 length, u32 length of its marks; then the files, each followed by its marks. A fork server
sends i32 facts: READY, then the process id and the exit code of each decoder.
"""

import os
import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import BinaryIO, NamedTuple, get_args

from model.card import Normalization
from model.layout import Kind, Layout

from ..ledger.chunks import ImageFile

NORMALIZATIONS: tuple[Normalization | None, ...] = (None, *get_args(Normalization))
KINDS: tuple[Kind, ...] = get_args(Kind)

_ASK, _IMAGE = struct.Struct("<II"), struct.Struct("<BBHHII")

FACT, READY = struct.Struct("<i"), 0
SEALED, UNSEALED = b"+", b"-"
"""A decoder's first byte: it is in its sandbox, with seccomp or without."""
NO_MEMORY = os.EX_OSERR
"""The exit code of a decoder that was refused more memory."""


class Encoded(NamedTuple):
    """An image file, how its pixels become glyphs (None: only resized), and its layout.

    With `marks`, JSON of what was read so far, it asks for a picture for people (see pictures).
    """

    file: ImageFile
    normalization: Normalization | None
    layout: Layout = Layout()
    marks: bytes = b""


def pack_ask(first: int, images: Sequence[Encoded]) -> bytes:
    """A request for `images`, numbered from `first` on."""
    heads = [_pack_head(each) for each in images]
    return b"".join(
        [
            _ASK.pack(first, len(images)),
            *heads,
            *(part for each in images for part in (each.file, each.marks)),
        ]
    )


def read_ask(stream: BinaryIO) -> tuple[int, list[Encoded]] | None:
    """What `pack_ask` packed; None if the worker has closed the socket."""
    if len(head := stream.read(_ASK.size)) < _ASK.size:
        return None
    first, count = _ASK.unpack(head)
    facts = list(_IMAGE.iter_unpack(stream.read(count * _IMAGE.size)))
    return first, [
        Encoded(
            stream.read(length),
            NORMALIZATIONS[way],
            _layout(kind, rows, columns),
            stream.read(marks) if marks else b"",
        )
        for way, kind, rows, columns, length, marks in facts
    ]


@lru_cache(64)
def _layout(kind: int, rows: int, columns: int) -> Layout:
    """The same object for all equal layouts: making one costs more than sending a small image."""
    return Layout(KINDS[kind], rows, columns)


def _pack_head(image: Encoded) -> bytes:
    layout = image.layout
    place = NORMALIZATIONS.index(image.normalization), KINDS.index(layout.kind)
    return _IMAGE.pack(*place, layout.rows, layout.columns, len(image.file), len(image.marks))
