"""ZIPs that lie, explode or lead elsewhere; and other archives."""

import gzip
import struct
from dataclasses import replace

import numpy as np

from model.drawn import glyph
from model.files.images import png

from .asking import Body, results, submit, uploaded
from .cases import Ask, cases
from .stage import GOOD, Stage
from hostile_files import (
    DEFLATED,
    Entry,
    bomb,
    end_of_zip,
    end_of_zip64,
    npy,
    overlapping_zip,
    packed_zeros,
    raw_zip,
    zip_of_many,
)
from samples import zip_of

ZIP = "application/zip"
PNG = GOOD["good-0.png"]
INVALID, BOMB, UNSUPPORTED = "422 archive-invalid", "413 archive-bomb", "422 archive-unsupported"
MANY, UNSAFE, UNKNOWN = "413 too-many-entries", "422 unsafe-name", "422 unknown-format"
ODD = "\N{REPLACEMENT CHARACTER}"


def posted(body: Body) -> Ask:
    """A POST of a ZIP."""
    return uploaded(ZIP, body)


def of(*entries: Entry, **lies: object) -> Ask:
    """A POST of a ZIP of these entries."""
    return posted(raw_zip(*entries, **lies))  # type: ignore[arg-type]


def named(name: bytes) -> Ask:
    """Send a file of this name; what it is called in the results."""

    def ask(stage: Stage) -> str:
        (item,) = results(stage, submit(stage, ZIP, raw_zip(Entry(name, PNG))))
        assert item["status"] == "succeeded"
        return str(item["name"])

    return ask


def counted(body: bytes, query: str = "") -> Ask:
    """Send an archive; how many of its images were read, and how many failed."""

    def ask(stage: Stage) -> str:
        counts = submit(stage, ZIP, body, query)["counts"]
        return f"{counts['succeeded']} read, {counts['failed']} failed"

    return ask


def streamed(*, descriptor: bool = True) -> bytes:
    """A ZIP as a program writes it that cannot seek: sizes and checksum come after the data."""
    entry = Entry(b"a.png", PNG, flags=8)
    facts = struct.pack("<4s3I", b"PK\x07\x08", *struct.unpack("<3I", entry.local()[14:26]))
    local = entry.local()[:14] + bytes(12) + entry.local()[26:] + facts * descriptor
    return local + entry.central(0) + end_of_zip(1, len(entry.central(0)), len(local))


def quoted(count: int) -> bytes:
    """A ZIP of entries whose packed bytes quote the headers of those after them (Fifield 2019)."""
    kernel = packed_zeros(1)
    files, entries = bytearray(), []
    inner = Entry(b"z", kernel, DEFLATED, unpacked=1 << 20, crc=0)
    tail = inner.local()
    entries.append((inner, tail))
    for number in range(count):
        quote = struct.pack("<BHH", 0, 30, 30 ^ 0xFFFF)
        data = quote + tail
        outer = Entry(b"%05d" % number, data, DEFLATED, unpacked=1 << 20, crc=0)
        head = replace(outer, data=quote).local()
        entries.append((outer, tail := head + tail))
    files += tail
    directory = b"".join(entry.central(len(files) - len(at)) for entry, at in entries)
    return bytes(files) + directory + end_of_zip(len(entries), len(directory), len(files))


def unlisted() -> bytes:
    """A ZIP with a file that its directory does not list."""
    hidden, listed = Entry(b"hidden", PNG).local(), Entry(b"a", PNG)
    directory = listed.central(len(hidden))
    files = hidden + listed.local()
    return files + directory + end_of_zip(1, len(directory), len(files))


SMALL = png(glyph("7", np.random.default_rng(7)))
NOISE = {
    "__MACOSX/._a.png": b"x",
    "a/": b"",
    "a/Thumbs.db": b"x",
    ".DS_Store": b"x",
    "desktop.ini": b"x",
}

TABLE = {
    "no archive": {
        "nothing": (posted(b""), "422 empty-body"),
        "text": (posted(b"I am an archive."), UNKNOWN),
        "cut off": (posted(zip_of(GOOD)[:-100]), INVALID),
        "cut off in its end": (posted(zip_of(GOOD)[:-5]), INVALID),
        "no end": (posted(b"PK\3\4" + bytes(999)), INVALID),
        "four bytes": (posted(b"PK\3\4"), INVALID),
        "an end in a comment": (
            posted(raw_zip(Entry(b"a", PNG), comment=end_of_zip(1, 99, 0))),
            INVALID,
        ),
        "two ends": (posted(raw_zip(Entry(b"a", PNG)) + end_of_zip(9, 46, 0)), INVALID),
        "a comment of 64 KB": (posted(raw_zip(Entry(b"a", PNG), comment=b"c" * 65_535)), "202"),
        "of two disks": (
            posted(b"PK\3\4" + end_of_zip(0, 0, 0).replace(b"\0\0\0\0", b"\1\0\1\0", 1)),
            UNSUPPORTED,
        ),
        "empty": (posted(end_of_zip(0, 0, 0)), "422 no-images"),
        "folders only": (posted(zip_of({"a/": b"", "a/b/": b""})), "422 no-images"),
        "a wrong checksum": (of(Entry(b"a", PNG, crc=1)), INVALID),
        "a directory of elsewhere": (of(Entry(b"a", PNG), shift=-10), INVALID),
        "a file of elsewhere": (of(Entry(b"a", PNG, offset=10)), INVALID),
        "a file beyond the end": (of(Entry(b"a", PNG, offset=(1 << 32) - 2)), INVALID),
        "a damaged stream": (of(Entry(b"a", b"\xff" * 99, DEFLATED, unpacked=99)), INVALID),
        "a stream of half": (of(Entry(b"a", packed_zeros(1)[:99], DEFLATED, unpacked=1 << 20)), INVALID),
    },
    "a million entries": {
        "1,000,000": (posted(lambda: zip_of_many(1_000_000)), MANY),
        "2^64": (posted(b"PK\3\4" + end_of_zip64((1 << 64) - 1, 46, 0, 4)), MANY),
    },
    "more entries than it says": {
        "three for one": (of(*[Entry(b"%d" % at, PNG) for at in range(3)], count=1), INVALID),
        "one for three": (of(Entry(b"a", PNG), count=3), INVALID),
        "1,000 for one": (of(*[Entry(b"%d" % at) for at in range(1000)], count=1), INVALID),
        "one for none": (of(Entry(b"a", PNG), count=0), INVALID),
    },
    "500 MB of zeros": {
        "in one": (posted(lambda: raw_zip(bomb(500))), "413 file-too-large"),
        "in 34": (posted(lambda: raw_zip(*(bomb(15, b"%d" % at) for at in range(34)))), BOMB),
    },
    "a lying size": {
        "10 bytes for 50 MB": (posted(lambda: raw_zip(bomb(50, unpacked=10))), BOMB),
        "4 GB for none": (of(Entry(b"a", PNG, unpacked=(1 << 32) - 2)), "413 file-too-large"),
        "more than there is": (of(Entry(b"a", PNG, unpacked=len(PNG) + 1)), INVALID),
        "less than there is": (of(Entry(b"a", PNG, unpacked=len(PNG) - 1)), BOMB),
        "packed beyond the end": (of(Entry(b"a", PNG, packed=1 << 20, unpacked=1 << 20)), INVALID),
    },
    "entries that overlap by quotes": {"200": (posted(lambda: quoted(200)), BOMB)},
    "entries that share all bytes": {"30,000": (posted(lambda: overlapping_zip(30_000)), BOMB)},
    "an archive in an archive": {
        "a ZIP": (posted(zip_of({"a.zip": zip_of(GOOD)})), "422 nested-archive"),
        "as an image": (posted(zip_of(GOOD | {"a.png": zip_of(GOOD)})), "422 nested-archive"),
        "an empty one": (posted(zip_of({"a.zip": end_of_zip(0, 0, 0)})), "422 nested-archive"),
        "a pickle among images": (
            posted(zip_of(GOOD | {"a": npy("'|O'", "(1,)", b"\x80\4.")})),
            "422 pickled-array",
        ),
        "a tar.gz": (
            posted(zip_of(GOOD | {"a.tgz": gzip.compress(bytes(999))})),
            "415 unsupported-media-type",
        ),
    },
    "odd names": {
        "a way out": (posted(zip_of({"../../etc/passwd": PNG})), UNSAFE),
        "a way out by backslash": (of(Entry(b"a\\..\\b", PNG)), UNSAFE),
        "an absolute one": (of(Entry(b"/etc/passwd", PNG)), UNSAFE),
        "a drive": (of(Entry(b"C:\\a.png", PNG)), UNSAFE),
        "another machine": (of(Entry(b"\\\\host\\share\\a.png", PNG)), UNSAFE),
        "NUL": (named(b"nul\0.png"), f"nul{ODD}.png"),
        "an escape": (named(b"esc\x1b[2J\r\n.png"), f"esc{ODD}[2J{ODD}{ODD}.png"),
        "64 KB": (named(b"x" * 65_531 + b".png"), "x" * 251 + ".png"),
        "a command": (named(b'=cmd|"/c calc".png'), '=cmd|"/c calc".png'),
        "a device": (named(b"CON"), "CON"),
        "nothing": (named(b""), "0"),
        "no UTF-8": (posted(raw_zip(Entry(b"\xff\xfe.png", PNG, flags=0x800))), "202"),
    },
    "a name twice": {
        # Results are told apart by their index; names may be anything.
        "twice": (counted(raw_zip(Entry(b"a", PNG), Entry(b"a", PNG))), "2 read, 0 failed"),
    },
    "links and devices": {
        "a link": (of(Entry(b"a", b"/etc/passwd", mode=0o120777)), UNSUPPORTED),
        "a device": (of(Entry(b"a", mode=0o060666)), UNSUPPORTED),
        "a pipe": (of(Entry(b"a", mode=0o010666)), UNSUPPORTED),
        "a folder": (of(Entry(b"a/", mode=0o040755)), "422 no-images"),
        "a folder with bytes": (of(Entry(b"a/", PNG, mode=0o040755)), "422 no-images"),
    },
    "what is not unpacked": {
        "encrypted": (of(Entry(b"a", PNG, flags=1)), UNSUPPORTED),
        "deflate64": (of(Entry(b"a", PNG, method=9)), UNSUPPORTED),
        "bzip2": (of(Entry(b"a", PNG, method=12)), UNSUPPORTED),
        "LZMA": (of(Entry(b"a", PNG, method=14)), UNSUPPORTED),
        "zstd": (of(Entry(b"a", PNG, method=93)), UNSUPPORTED),
        "AES": (of(Entry(b"a", PNG, method=99)), UNSUPPORTED),
        "unknown": (of(Entry(b"a", PNG, method=0xFFFF)), UNSUPPORTED),
    },
    "a ZIP64 that lies": {
        "to nowhere": (posted(b"PK\3\4" + end_of_zip64(1, 46, 0, 4, (1 << 64) - 1)), INVALID),
        "of no size": (posted(b"PK\3\4" + end_of_zip64(1, (1 << 64) - 1, 4, 4)), INVALID),
        "of elsewhere": (posted(b"PK\3\4" + end_of_zip64(1, 46, (1 << 64) - 1, 4)), INVALID),
        "into itself": (posted(b"PK\3\4" + end_of_zip64(1, 46, 0, 0)), INVALID),
        "a file of 2^64": (
            of(Entry(b"a", PNG, unpacked=(1 << 32) - 1, extra=struct.pack("<HHQ", 1, 8, (1 << 64) - 1))),
            "413 file-too-large",
        ),
        "a file of no size": (of(Entry(b"a", PNG, unpacked=(1 << 32) - 1)), INVALID),
        "a field without end": (
            of(Entry(b"a", PNG, unpacked=(1 << 32) - 1, extra=struct.pack("<HH", 1, 0xFFFF))),
            INVALID,
        ),
        "60 KB of fields": (
            of(Entry(b"a", PNG, unpacked=(1 << 32) - 1, extra=struct.pack("<HH", 9, 0) * 15_000)),
            INVALID,
        ),
    },
    "a ZIP that was streamed, or has something before it": {
        "streamed": (counted(streamed()), "1 read, 0 failed"),
        "without a signature": (counted(streamed(descriptor=False)), "1 read, 0 failed"),
        # The first bytes decide what a file is: a program with a ZIP after it is not a ZIP.
        "a program before it": (posted(b"MZ" + bytes(510) + zip_of(GOOD)), UNKNOWN),
        "a ZIP before it": (posted(zip_of(GOOD) + zip_of(GOOD)), INVALID),
        # The directory decides: what it does not list is not there.
        "an entry that is not listed": (counted(unlisted()), "1 read, 0 failed"),
    },
    "another archive": {
        "a tar": (posted(b"a.png".ljust(257, b"\0") + b"ustar\x0000" + bytes(248) + PNG), UNKNOWN),
        "a 7z": (posted(b"7z\xbc\xaf\x27\x1c" + bytes(99)), UNKNOWN),
        "a RAR": (posted(b"Rar!\x1a\7\1\0" + bytes(99)), UNKNOWN),
        "a bzip2": (posted(b"BZh91AY&SY" + bytes(99)), UNKNOWN),
        "an xz": (posted(b"\xfd7zXZ\0" + bytes(99)), UNKNOWN),
        "a zstd": (posted(b"\x28\xb5\x2f\xfd" + bytes(99)), UNKNOWN),
        "a tar.gz": (posted(gzip.compress(b"a.png".ljust(512, b"\0"))), "415 unsupported-media-type"),
        "a tar by its type": (uploaded("application/x-tar", bytes(512)), "415 unsupported-media-type"),
    },
    "one bad image among 10,000": {
        "text": (
            counted(
                raw_zip(*(Entry(b"%d" % at, SMALL) for at in range(10_000)), Entry(b"a", b"text")),
                "?model=digits-nano",
            ),
            "10000 read, 1 failed",
            10.0,
        ),
    },
    "what desktops leave behind": {
        "beside images": (counted(zip_of(GOOD | NOISE)), "3 read, 0 failed"),
        "only that": (posted(zip_of(NOISE)), "422 no-images"),
    },
}

CASES = list(cases("archives", TABLE))
