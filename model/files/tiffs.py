"""The pages of a TIFF (TIFF 6.0): found without decoding pixels, and cut out as TIFFs of their own.

Used by the gateway (uploads) and by `inkqueue read`, so it needs no image library. A decoder that goes
to page 5,000 of a TIFF reads 5,000 directories; the same page cut out costs what any image costs.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

MAGICS = (b"II*\0", b"MM\0*")

_WIDTHS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
"""Bytes per value, by field type."""
_LONG = 4
_INTEGERS = {3: "H", _LONG: "I"}
_STRIPS = ((273, 279), (324, 325))
"""Tags of the offsets and lengths of strips, and of tiles."""
_NOTES = 700
"""From this tag on, fields describe the picture (XMP, ICC, EXIF) and are not needed to decode it."""
_SUBPAGES = 330


class BadTiff(ValueError):
    """The pages are cut off, lead back to themselves or share their bytes."""


class LargePage(BadTiff):
    """A page has more bytes than are allowed."""


@dataclass(frozen=True)
class _Field:
    kind: int
    count: int
    value: bytes

    def numbers(self, order: str) -> Sequence[int]:
        """The value as integers. Raises BadTiff if it is of another type."""
        if self.kind not in _INTEGERS:
            raise BadTiff("the TIFF does not say where its strips are")
        return struct.unpack(f"{order}{self.count}{_INTEGERS[self.kind]}", self.value)


def is_tiff(head: bytes | memoryview) -> bool:
    """Whether `head`, the first four bytes, is the magic number of a TIFF."""
    return bytes(head[:4]) in MAGICS


def directories(data: bytes | memoryview) -> Iterator[int]:
    """The offset of each page's directory, in order. Raises BadTiff, also if together they are longer
    than the file, so that some overlap: reading them would take far longer than its size suggests."""
    order, left = _order(data), len(data)
    seen = set[int]()
    try:
        (at,) = struct.unpack_from(f"{order}I", data, 4)
        while at:
            if at in seen:
                raise BadTiff("the TIFF's pages lead back to themselves")
            seen.add(at)
            (tags,) = struct.unpack_from(f"{order}H", data, at)
            following = at + 2 + 12 * tags
            left -= following + 4 - at
            if left < 0:
                raise BadTiff("the TIFF is cut off, or its pages share their bytes")
            yield at
            (at,) = struct.unpack_from(f"{order}I", data, following)
    except struct.error as error:
        raise BadTiff("the TIFF is cut off") from error


def cut(data: bytes | memoryview, places: Sequence[int], most: int = 1 << 32) -> Iterator[bytes]:
    """The pages whose directories are at `places`, each as a TIFF of its own, with at most `most` bytes
    of pixels. Raises BadTiff."""
    view, left = memoryview(data), 4 * len(data)
    for at in places:
        try:
            fields = list(_fields(view, at, most))
            page = _page(view, dict(fields), most)
        except struct.error as error:
            raise BadTiff("the TIFF is cut off") from error
        left -= max(len(page), sum(len(each.value) for _, each in fields))
        if left < 0:
            raise BadTiff("the TIFF's pages share their bytes")
        yield page


def _page(view: memoryview, fields: dict[int, _Field], most: int) -> bytes:
    """A page as a TIFF of its own; its `fields` are changed to say where its strips are there."""
    order, strips = _order(view), list[memoryview]()
    for place, length in _STRIPS:
        if place in fields:
            starts = fields[place].numbers(order)
            lengths = fields[length].numbers(order) if length in fields else [len(view)] * len(starts)
            strips = _strips(view, starts, lengths, most)
            sizes = [len(strip) for strip in strips]
            fields[length] = _longs(order, sizes)
            fields[place] = _longs(order, sizes)  # a placeholder: the directory's size must be known
            places = accumulate(sizes, initial=8 + len(_directory(order, fields)))
            fields[place] = _longs(order, list(places)[:-1])
    head = bytes(view[:4]) + struct.pack(f"{order}I", 8)
    return b"".join([head, _directory(order, fields), *strips])


def _fields(view: memoryview, at: int, most: int) -> Iterator[tuple[int, _Field]]:
    """The fields needed to decode the page whose directory is at `at`, by tag."""
    order, left = _order(view), min(most, len(view))
    (count,) = struct.unpack_from(f"{order}H", view, at)
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        tag, kind, number = struct.unpack_from(f"{order}HHI", view, entry)
        size = _WIDTHS.get(kind, 0) * number
        if not size or tag >= _NOTES or tag == _SUBPAGES:
            continue
        start = entry + 8 if size <= 4 else struct.unpack_from(f"{order}I", view, entry + 8)[0]
        left -= size
        if start + size > len(view) or left < 0:
            raise BadTiff("the TIFF is cut off, or its fields share their bytes")
        value = bytes(view[start : start + size])
        yield tag, _Field(kind, number, value)


def _strips(
    view: memoryview, starts: Sequence[int], sizes: Sequence[int], most: int
) -> list[memoryview]:
    """The strips of a page; one that is cut off stays short, which the decoder will report."""
    if len(sizes) == 1:  # some files claim that their only strip is longer than they are
        sizes = [min(sizes[0], len(view))]
    if sum(sizes) > len(view):
        raise BadTiff("the TIFF is cut off, or its strips share their bytes")
    if sum(sizes) > most:
        raise LargePage(f"a page of the TIFF has {sum(sizes)} bytes")
    return [view[start : start + size] for start, size in zip(starts, sizes, strict=False)]


def _directory(order: str, fields: Mapping[int, _Field]) -> bytes:
    """A directory to be written at offset 8, then the values that do not fit into it."""
    table, values = [struct.pack(f"{order}H", len(fields))], list[bytes]()
    place = 8 + 2 + 12 * len(fields) + 4
    for tag, field in sorted(fields.items()):
        table.append(struct.pack(f"{order}HHI", tag, field.kind, field.count))
        if len(field.value) <= 4:
            table.append(field.value.ljust(4, b"\0"))
        else:
            table.append(struct.pack(f"{order}I", place))
            values.append(field.value + b"\0" * (len(field.value) % 2))
            place += len(values[-1])
    return b"".join([*table, bytes(4), *values])


def _longs(order: str, numbers: Sequence[int]) -> _Field:
    return _Field(_LONG, len(numbers), struct.pack(f"{order}{len(numbers)}I", *numbers))


def _order(data: bytes | memoryview) -> str:
    return "<" if bytes(data[:2]) == b"II" else ">"
