"""Unpacks the files of a ZIP one by one, and checks each against its entry in the directory.

The directory is checked once before anything is unpacked, so that a bomb, or entries that overlap (which
the standard library's reader accepted: CVE-2024-0450), cost nothing.
"""

import stat
import struct
import zlib
from collections.abc import Iterator
from itertools import pairwise

from ..file_types import EMPTY_ZIP, ZIP
from ..problems import Problem
from ..settings import MIB, GatewaySettings
from .directories import Entries, Entry, read_at, read_entries
from .names import safe_names
from .spool import forget

STORED, DEFLATED = 0, 8
_METHODS = {STORED, DEFLATED}
_ENCRYPTED = 1
HARMLESS = 16 * MIB
"""Up to this size any ratio is accepted: blank scans compress well."""

_LOCAL = struct.Struct("<4s22x2H")
_NOISE = (".DS_Store", "Thumbs.db", "desktop.ini")
_NOISE_FOLDER, _APPLE_DOUBLE = "__MACOSX/", "._"
_TRACES = (*_NOISE, _NOISE_FOLDER, _APPLE_DOUBLE, "/\n", "\\")
"""If none of these is in the entries' names, written one per line, none of the entries is noise."""


def read_zip(view: memoryview, settings: GatewaySettings) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of every file in the archive. Raises problems for damage, tricks and bombs."""
    _survey(view, settings)
    for some in _files(view, settings):
        for name, entry in zip(safe_names(some.names), some.rows(), strict=True):
            data = _unpack(view, entry)
            if entry.packed > MIB:
                forget(view.obj)
            yield name, data


def _survey(view: memoryview, settings: GatewaySettings) -> None:
    """Raise the problems that the directory alone reveals."""
    unpacked, extents = 0, list[tuple[int, int]]()
    for some in _files(view, settings):
        _require_readable(some, settings.max_image_bytes)
        unpacked += sum(some.unpacked)
        sizes = zip(some.offsets, some.packed, strict=True)
        extents += [(offset, offset + _LOCAL.size + packed) for offset, packed in sizes]
    most = min(settings.max_unpacked_bytes, max(HARMLESS, settings.max_ratio * len(view)))
    if unpacked > most:
        raise Problem(
            "archive-bomb", f"{len(view)} bytes unpack to {unpacked}; send several ZIPs.", limit=most
        )
    extents.sort()
    if any(end > start for (_, end), (start, _) in pairwise(extents)):
        raise Problem("archive-bomb", "Entries of the ZIP share bytes; pack it again.")


def _files(view: memoryview, settings: GatewaySettings) -> Iterator[Entries]:
    """The entries, except folders and the files that desktops leave behind."""
    for some in read_entries(view, settings.max_zip_entries):
        text = "\n".join(some.names) + "\n"
        if not any(trace in text for trace in _TRACES):
            yield some
        elif files := [each for each in some.rows() if not _is_noise(each.name.replace("\\", "/"))]:
            yield Entries(*zip(*files, strict=True))


def _is_noise(path: str) -> bool:
    """Whether this is a folder, or a file that desktops leave behind."""
    name = path.rpartition("/")[2]
    left_behind = name in _NOISE or name.startswith(_APPLE_DOUBLE)
    return left_behind or path.endswith("/") or path.startswith(_NOISE_FOLDER)


def _require_readable(some: Entries, most: int) -> None:
    """Raise a problem if any of the entries cannot be read; all are checked together, for speed."""
    safe_names(some.names)
    sound = (
        not any(each & _ENCRYPTED for each in set(some.flags))
        and _METHODS.issuperset(some.methods)
        and all(map(_is_file, set(some.modes)))
        and max(*some.packed, *some.unpacked) <= most
    )
    if not sound:
        for entry in some.rows():
            _require_file(entry, most)


def _is_file(mode: int) -> bool:
    """Whether `mode` is that of a regular file, or 0: unknown."""
    return stat.S_IFMT(mode) in (0, stat.S_IFREG)


def _require_file(entry: Entry, most: int) -> None:
    if entry.flags & _ENCRYPTED:
        detail = f"{entry.shown} is encrypted; send it without a password."
        raise Problem("archive-unsupported", detail)
    if entry.method not in _METHODS:
        detail = f"{entry.shown} is packed by method {entry.method}; use deflate."
        raise Problem("archive-unsupported", detail)
    if not _is_file(entry.mode):
        detail = f"{entry.shown} is a link or a device; send files only."
        raise Problem("archive-unsupported", detail)
    if max(entry.packed, entry.unpacked) > most:
        detail = f"{entry.shown} has over {most} bytes; send it by itself, or scale it down."
        raise Problem("file-too-large", detail, limit=most)


def _unpack(view: memoryview, entry: Entry) -> bytes:
    magic, name_size, extra_size = read_at(_LOCAL, view, entry.offset)
    start = entry.offset + _LOCAL.size + name_size + extra_size
    packed = view[start : start + entry.packed]
    if magic != ZIP or len(packed) != entry.packed:
        raise _invalid(entry, "is not where the directory says; pack it again.")
    try:
        data = _inflate(packed, entry)
    except zlib.error as error:
        raise _invalid(entry, f"is damaged: {error}; pack it again.") from error
    if len(data) > entry.unpacked:
        raise Problem("archive-bomb", f"{entry.shown} unpacks to more than it says; pack it again.")
    if len(data) != entry.unpacked or zlib.crc32(data) != entry.crc:
        raise _invalid(entry, "is damaged; pack it again.")
    if data[:4] in (ZIP, EMPTY_ZIP):
        raise Problem("nested-archive", f"{entry.shown} is a ZIP itself; send it on its own.")
    return data


def _invalid(entry: Entry, fault: str) -> Problem:
    return Problem("archive-invalid", f"{entry.shown} {fault}")


def _inflate(packed: memoryview, entry: Entry) -> bytes:
    """The content of an entry; if it inflates to too much, only one byte more than it should have."""
    if entry.method == STORED:
        return bytes(packed)
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, entry.unpacked + 1)
