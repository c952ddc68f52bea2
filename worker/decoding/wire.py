"""What goes over the socket between a worker and its decoder. Little-endian.

Asked: u32 number of the first image, u32 how many; u8 recipe and u32 length of each; the files.
Answered, one image at a time: u32 number, u8 code (0: a glyph, else one of results.FAILURES), and 784
bytes, which are the glyph, or a sentence in UTF-8 and zeros. A nursery tells facts: one i32 each.
"""

import os
import struct
from collections.abc import Sequence
from typing import BinaryIO, NamedTuple, get_args

from model.card import Recipe

from ..chunks import GLYPH_BYTES, ImageFile
from ..results import FAILURES, TOO_LARGE, UNDECODABLE, Failure

RECIPES: tuple[Recipe | None, ...] = (None, *get_args(Recipe))
POSSIBLE = (UNDECODABLE, TOO_LARGE)
"""Failures that a decoder may tell of."""

_ASK, _IMAGE = struct.Struct("<II"), struct.Struct("<BI")
_ANSWER = struct.Struct(f"<IB{GLYPH_BYTES}s")
ANSWER_BYTES = _ANSWER.size

SMALL_S = 0.25
"""Seconds of processor time for any image; decoding a small one takes a thousandth of it."""

FACT, READY = struct.Struct("<i"), 0
SEALED, UNSEALED = b"+", b"-"
"""A decoder's first byte: it is in its sandbox, with seccomp or without."""
NO_MEMORY = os.EX_OSERR
"""How a decoder ends that was refused more memory."""

Outcome = bytes | Failure
"""The glyph's 784 bytes, or why there is none."""


class BadAnswer(ValueError):
    """A decoder's answer makes no sense, so it is no longer our programme that speaks."""


class Encoded(NamedTuple):
    """An image file, and how its pixels become a glyph (None: fitted to size only)."""

    file: ImageFile
    recipe: Recipe | None


def pack_ask(first: int, images: Sequence[Encoded]) -> bytes:
    """The images, numbered from `first` on."""
    heads = [_IMAGE.pack(RECIPES.index(each.recipe), len(each.file)) for each in images]
    return b"".join([_ASK.pack(first, len(images)), *heads, *(each.file for each in images)])


def read_ask(stream: BinaryIO) -> tuple[int, list[Encoded]] | None:
    """What `pack_ask` packed; None where the worker has closed the socket."""
    if len(head := stream.read(_ASK.size)) < _ASK.size:
        return None
    first, count = _ASK.unpack(head)
    facts = list(_IMAGE.iter_unpack(stream.read(count * _IMAGE.size)))
    return first, [Encoded(stream.read(length), RECIPES[recipe]) for recipe, length in facts]


def pack_answer(number: int, outcome: Outcome) -> bytes:
    """What became of image `number`."""
    if isinstance(outcome, bytes):
        return _ANSWER.pack(number, 0, outcome)
    return _ANSWER.pack(number, FAILURES.index(outcome.type), outcome.detail.encode(errors="replace"))


def open_answer(answer: bytes, number: int) -> Outcome:
    """What became of image `number`; whoever sent it is not trusted. Raises BadAnswer."""
    found, code, body = _ANSWER.unpack(answer)
    if found != number or code >= len(FAILURES):
        raise BadAnswer(f"answer {found} of kind {code} where {number} is awaited")
    if code == 0:
        return bytes(body)
    if FAILURES[code] not in POSSIBLE:
        raise BadAnswer(f"answer of kind {FAILURES[code]}")
    return Failure(FAILURES[code], body.rstrip(b"\0").decode(errors="replace"))
