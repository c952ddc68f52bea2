"""What a decoder replies over its socket. Little-endian.

u32 number of the image, u8 code, u32 length, and that many bytes: for code 0 the glyphs of the images
from this one on (u8 flags, 784 bytes each), for 255 its characters (see _CHARACTER), for 254 a picture
as PNG; any other code is an index of results.FAILURES, with a sentence in UTF-8. The sender is not
trusted: an impossible reply raises BadReply.
"""

import struct
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from model.flags import FLAGS, Flag
from model.glyph import Glyph
from model.layout import MOST_CHARACTERS, Box, Character

from ..ledger.chunks import GLYPH_BYTES
from ..ledger.results import FAILURES, TOO_LARGE, UNDECODABLE, Failure

Outcome: TypeAlias = Glyph | list[Character] | Failure
"""A glyph, all characters of a sheet (rivals among them), or why there is neither."""

Picture: TypeAlias = bytes

POSSIBLE = (UNDECODABLE, TOO_LARGE)
"""Failures that a decoder may report."""

MOST_SHEET = max(MOST_CHARACTERS.values())
"""Characters of the largest possible reply."""

BLOCK = 32
"""The most glyphs that travel together."""

MOST_PICTURE = 12 << 20
"""Bytes: enough for 1,600 x 1,600 pixels in colour, however noisy."""

MOST_SIDE = (1 << 31) - 1

_HEAD = struct.Struct("<IBI")
HEAD_BYTES = _HEAD.size
_GLYPH, _PICTURE, _SHEET, _SENTENCE = 0, 254, 255, GLYPH_BYTES
_GLYPHS = np.dtype([("flags", "u1"), ("pixels", "u1", (28, 28))])
_CHARACTER = np.dtype(
    [
        ("box", "<u4", 4),
        ("line", "<u2"),
        ("word", "<u2"),
        ("group", "<u2"),
        ("reading", "<u2"),
        ("flags", "u1"),
        ("pixels", "u1", (28, 28)),
    ]
)
_KNOWN = 1 << len(Flag)


class BadReply(ValueError):
    """A decoder's reply makes no sense, so it is no longer our program that speaks."""


def pack_glyphs(first: int, glyphs: Sequence[Glyph]) -> bytes:
    """The reply for the images from number `first` on, at most BLOCK of them."""
    body = b"".join(part for each in glyphs for part in (bytes((each.flags,)), each.pixels.tobytes()))
    return _HEAD.pack(first, _GLYPH, len(body)) + body


def pack_reply(number: int, outcome: Outcome | Picture) -> bytes:
    """The reply for image `number`."""
    if isinstance(outcome, Glyph):
        return pack_glyphs(number, [outcome])
    if isinstance(outcome, Failure):
        code, body = FAILURES.index(outcome.type), outcome.detail.encode(errors="replace")[:_SENTENCE]
    elif isinstance(outcome, Picture):
        code, body = _PICTURE, outcome
    else:
        code, body = _SHEET, _pack(outcome)
    return _HEAD.pack(number, code, len(body)) + body


def open_head(head: bytes, number: int) -> tuple[int, int]:
    """The code of the reply about image `number`, and how many bytes follow. Raises BadReply."""
    found, code, length = _HEAD.unpack(head)
    if found != number or not _fits(code, length):
        raise BadReply(f"reply {found} of kind {code} and {length} bytes where {number} is awaited")
    return code, length


def open_body(code: int, body: bytes) -> Sequence[Outcome | Picture]:
    """The outcomes in a reply whose head was opened; only glyphs may be of several images. Raises
    BadReply."""
    if code == _GLYPH:
        rows = np.frombuffer(body, _GLYPHS)
        glyphs = zip(rows["pixels"], rows["flags"].tolist(), strict=True)
        return [Glyph(pixels, _flag(flags)) for pixels, flags in glyphs]
    if code == _PICTURE:
        return [body]
    if code == _SHEET:
        return [_unpack(np.frombuffer(body, _CHARACTER))]
    return [Failure(FAILURES[code], body.decode(errors="replace"))]


def _fits(code: int, length: int) -> bool:
    if code == _GLYPH:
        return length % _GLYPHS.itemsize == 0 and 0 < length <= BLOCK * _GLYPHS.itemsize
    if code == _PICTURE:
        return length <= MOST_PICTURE
    if code == _SHEET:
        return length % _CHARACTER.itemsize == 0 and length <= MOST_SHEET * _CHARACTER.itemsize
    return code < len(FAILURES) and FAILURES[code] in POSSIBLE and length <= _SENTENCE


def _pack(characters: list[Character]) -> bytes:
    rows = [
        (each.box, each.line, each.word, each.group, each.reading, each.glyph.flags, each.glyph.pixels)
        for each in characters
    ]
    return np.array(rows, _CHARACTER).tobytes()


def _unpack(rows: npt.NDArray[np.void]) -> list[Character]:
    boxes = rows["box"].astype(np.int64)
    if (boxes[:, 2:] < 1).any() or (boxes[:, :2] + boxes[:, 2:] > MOST_SIDE).any():
        raise BadReply("characters without a place")
    if (np.diff(rows["line"].astype(np.int64)) < 0).any():
        raise BadReply("characters out of order")
    places = rows[["line", "word", "group", "reading"]].tolist()
    glyphs = zip(rows["pixels"], rows["flags"].tolist(), strict=True)
    return [
        Character(Glyph(pixels, _flag(flags)), Box(*box), *place)
        for (pixels, flags), box, place in zip(glyphs, boxes.tolist(), places, strict=True)
    ]


def _flag(bits: int) -> Flag:
    if bits >= _KNOWN:
        raise BadReply(f"flags {bits}")
    return FLAGS[bits]
