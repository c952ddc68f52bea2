"""Results as bytes: packed for Redis by a worker, read by the gateway, compared by commit.lua.

b"R2", u8 k, u32 images, u32 pages, for each page a u32: its characters. Records of the images, then of
all characters: u8 code, u8 uncertain, u8 flags, k u8 classes, k f32 probabilities (below 0: none). For
each character its place: left, top, width, height u32, line, word u16. Then JSON: details of failures by
index. Code 0 is an answer, 255 a page, any other is one of FAILURES. Little-endian.
"""

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Any

from model.flags import FLAGS
from model.layout import Box

from .results import FAILURES, Answer, Failure, Found, Page, Result

FORMAT = b"R2"
PAGE = 255
_HEAD = struct.Struct("<2sBII")
_PLACE = struct.Struct("<IIIIHH")
_NOWHERE = -1.0

Row = tuple[Any, ...]
"""A record: integers, then k floats."""


def pack(results: Sequence[Result]) -> bytes:
    """The bytes of a chunk's results."""
    pages = [each for each in results if isinstance(each, Page)]
    counts = [len(page.characters) for page in pages]
    characters = [each for page in pages for each in page.characters]
    entries = [*results, *(each.answer for each in characters)]
    k = max((len(each.classes) for each in entries if isinstance(each, Answer)), default=0)
    record = _record(k)
    parts = [_HEAD.pack(FORMAT, k, len(results), len(pages)), struct.pack(f"<{len(counts)}I", *counts)]
    parts += [_packed(record, each, k) for each in entries]
    parts += [_PLACE.pack(*each.box, each.line, each.word) for each in characters]
    return b"".join(parts) + _packed_details(results)


def unpack(packed: bytes) -> list[Result]:
    """What `pack` packed. Raises ValueError, struct.error."""
    magic, k, images, pages = _HEAD.unpack_from(packed)
    if magic != FORMAT:
        raise ValueError(f"unknown result format {magic!r}")
    counts = struct.unpack_from(f"<{pages}I", packed, _HEAD.size)
    record, start, found = _record(k), _HEAD.size + 4 * pages, sum(counts)
    middle = start + (images + found) * record.size
    end = middle + found * _PLACE.size
    rows = record.iter_unpack(packed[start:middle])
    own = list(islice(rows, images))
    characters = _characters(rows, k, _PLACE.iter_unpack(packed[middle:end]))
    sheets = (Page(tuple(islice(characters, count))) for count in counts)
    return list(_results(own, k, _details(packed[end:]), sheets))


def _characters(rows: Iterator[Row], k: int, places: Iterator[tuple[Any, ...]]) -> Iterator[Found]:
    for row, (*box, line, word) in zip(rows, places, strict=True):
        yield Found(_answer(row, k), Box(*box), line, word)


def _results(
    rows: Sequence[Row], k: int, details: Mapping[str, str], pages: Iterator[Page]
) -> Iterator[Result]:
    for index, row in enumerate(rows):
        code = row[0]
        if code == 0:
            yield _answer(row, k)
        elif code == PAGE:
            yield next(pages)
        else:
            yield Failure(FAILURES[code], details.get(str(index), ""))


def _packed_details(results: Sequence[Result]) -> bytes:
    rows = enumerate(results)
    details = {str(index): each.detail for index, each in rows if isinstance(each, Failure)}
    return json.dumps(details).encode() if details else b""


def _details(text: bytes) -> Mapping[str, str]:
    details: Mapping[str, str] = json.loads(text) if text else {}
    return details


@cache
def _record(k: int) -> struct.Struct:
    return struct.Struct(f"<3B{k}B{k}f")


def _packed(record: struct.Struct, result: Result, k: int) -> bytes:
    if not isinstance(result, Answer):
        code = PAGE if isinstance(result, Page) else FAILURES.index(result.type)
        return record.pack(code, 0, 0, *(0,) * 2 * k)
    classes, probabilities = result.classes, result.probabilities
    if missing := k - len(classes):
        classes, probabilities = classes + (0,) * missing, probabilities + (_NOWHERE,) * missing
    return record.pack(0, result.uncertain, result.flags, *classes, *probabilities)


def _answer(row: Row, k: int) -> Answer:
    likely = row[3 + k :]
    if likely and likely[-1] < 0:
        likely = tuple(each for each in likely if each >= 0)
    return Answer(row[3 : 3 + len(likely)], likely, bool(row[1]), FLAGS[row[2]])
