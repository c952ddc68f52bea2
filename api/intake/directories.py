"""The central directory of a ZIP, read without trusting a word of it (APPNOTE 6.3.10).

The standard library's reader takes seconds and half a gigabyte for a million entries; this one knows how
many there are before it looks at the first.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from ..file_types import EMPTY_ZIP
from ..problems import Problem

_END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR64 = struct.Struct("<4sIQI")
_ENTRY = struct.Struct("<4s4x2H4x3I3H4x2I")
_SIZES = slice(6, 9)
"""Among the fields of an entry, the sizes of its name, of its extra fields and of its comment."""
_LONGEST_COMMENT = 65_535
_MANY = 0xFFFF
_BIG = 0xFFFFFFFF
UTF8 = 0x800
"""The flag of an entry whose name is in UTF-8."""

TOGETHER = 64 << 10
"""Bytes of the directory that are read together: about a thousand entries, unless names are long."""


class Entry(NamedTuple):
    """One file of the archive, as its directory describes it."""

    name: str
    flags: int
    method: int
    crc: int
    packed: int
    unpacked: int
    offset: int
    mode: int

    @property
    def shown(self) -> str:
        """Its name, as problems quote it."""
        return repr(self.name[:80])


class Entries(NamedTuple):
    """Consecutive entries of the directory, in a column for each field of `Entry`: to check a whole
    column costs far less than to check its entries one by one."""

    names: Sequence[str]
    flags: Sequence[int]
    methods: Sequence[int]
    crcs: Sequence[int]
    packed: Sequence[int]
    unpacked: Sequence[int]
    offsets: Sequence[int]
    modes: Sequence[int]

    def rows(self) -> Iterator[Entry]:
        """The entries, one by one."""
        return map(Entry._make, zip(*self, strict=True))


def read_entries(view: memoryview, most: int) -> Iterator[Entries]:
    """All entries in order, some at a time. Raises problems for damage, and for more than `most`."""
    count, size, place, behind = _directory(view)
    if count > most:
        raise Problem(
            "too-many-entries",
            f"{count} entries, at most {most} are read; send several ZIPs.",
            limit=most,
        )
    end = place + size
    if end != behind:
        detail = "The ZIP is cut off, or something precedes it; pack it again."
        raise Problem("archive-invalid", detail)
    while count:
        entries, place = _entries(view, place, count)
        count -= len(entries.names)
        yield entries
    if place != end:
        raise Problem(
            "archive-invalid", "The ZIP's directory does not end after its last entry; pack it again."
        )


def read_at(form: struct.Struct, view: memoryview, at: int) -> tuple[Any, ...]:
    """Unpack `form` at the offset `at`. Raises `archive-invalid` outside the archive."""
    try:
        return form.unpack_from(view, at)
    except (struct.error, OverflowError):
        raise Problem("archive-invalid", "The ZIP points outside itself; pack it again.") from None


def _directory(view: memoryview) -> tuple[int, int, int, int]:
    """Number of entries, size and offset of the directory, and the offset of what follows it."""
    tail = bytes(view[-(_END.size + _LONGEST_COMMENT) :])
    at = len(view) - len(tail) + tail.rfind(EMPTY_ZIP)
    if EMPTY_ZIP not in tail or at + _END.size > len(view):
        raise Problem(
            "archive-invalid", "The ZIP has no directory, as if it were cut off; send it again."
        )
    _, disk, _, _, count, size, offset, _ = read_at(_END, view, at)
    if disk not in (0, _MANY):
        raise Problem("archive-unsupported", "A ZIP in several volumes is not read; join them first.")
    return _directory64(view, at) or (count, size, offset, at)


def _directory64(view: memoryview, end: int) -> tuple[int, int, int, int] | None:
    """The same from a ZIP64 directory, which some tools write for small archives, too; None without."""
    if end < _LOCATOR64.size or bytes(view[end - _LOCATOR64.size :][:4]) != b"PK\x06\x07":
        return None
    _, _, offset, _ = read_at(_LOCATOR64, view, end - _LOCATOR64.size)
    magic, *_, count, size, start = read_at(_END64, view, offset)
    if magic != b"PK\x06\x06":
        raise Problem("archive-invalid", "The ZIP64 directory is missing; pack it again.")
    return count, size, start, offset


def _entries(view: memoryview, at: int, most: int) -> tuple[Entries, int]:
    """Entries from the offset `at` on, at least one and at most `most`, and the offset of the next."""
    rows, names, enough = list[tuple[Any, ...]](), list[bytes](), at + TOGETHER
    while at < enough and len(rows) < most:
        row = read_at(_ENTRY, view, at)
        name_size, extra_size, comment_size = row[_SIZES]
        start = at + _ENTRY.size
        end = start + name_size
        names.append(bytes(view[start:end]))
        rows.append(_row64(row, bytes(view[end : end + extra_size])) if _BIG in row else row)
        at = end + extra_size + comment_size
    magics, flags, methods, crcs, packed, unpacked, _, _, _, attributes, offsets = zip(
        *rows, strict=True
    )
    if set(magics) != {b"PK\x01\x02"}:
        raise Problem("archive-invalid", "The ZIP's directory is damaged; pack it again.")
    texts = [_text(*each) for each in zip(names, flags, strict=True)]
    modes = [each >> 16 for each in attributes]
    return Entries(texts, flags, methods, crcs, packed, unpacked, offsets, modes), at


def _row64(row: tuple[Any, ...], extra: bytes) -> tuple[Any, ...]:
    """`row`, with values too big for 32 bits taken from the ZIP64 field in `extra`."""
    *head, packed, unpacked, name_size, extra_size, comment_size, attributes, offset = row
    if _BIG in (packed, unpacked, offset):
        unpacked, packed, offset = _sizes64(extra, unpacked, packed, offset)
    return *head, packed, unpacked, name_size, extra_size, comment_size, attributes, offset


def _text(name: bytes, flags: int) -> str:
    return name.decode("utf-8", "replace") if flags & UTF8 or name.isascii() else _guessed(name)


def _guessed(name: bytes) -> str:
    """A name whose encoding the entry does not state: some tools write UTF-8 anyway."""
    try:
        return name.decode()
    except UnicodeDecodeError:
        return name.decode("cp437")


def _sizes64(extra: bytes, *sizes: int) -> list[int]:
    """`sizes`, with those too big for 32 bits taken from the ZIP64 field in `extra`."""
    place = 0
    while place + 4 <= len(extra):
        tag, size = struct.unpack_from("<HH", extra, place)
        if tag == 1 and place + 4 + size <= len(extra):
            numbers = iter(struct.unpack_from(f"<{size // 8}Q", extra, place + 4))
            return [next(numbers, each) if each == _BIG else each for each in sizes]
        place += 4 + size
    raise Problem("archive-invalid", "A ZIP64 entry has no sizes; pack it again.")
