"""ZIPs: what is written honestly is read equal; what lies is refused before it costs anything."""

import contextlib
import io
import struct
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.intake.directories import UTF8
from api.intake.zips import read_zip
from api.problems import Problem
from api.settings import GatewaySettings

from hostile_files import (
    DEFLATED,
    ZEROS,
    Entry,
    bomb,
    end_of_zip,
    end_of_zip64,
    overlapping_zip,
    raw_zip,
    zip_of_many,
)
from samples import zip_of

LIMITS = GatewaySettings()
HONEST = zip_of({"a/one.png": b"first" * 99, "two.png": b"second", "empty": b""})

NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=40).filter(
    lambda name: not ({"/", "\\", ":"} & set(name)) and name.strip(".")
)


FILES = st.binary(max_size=2000).filter(lambda data: not data.startswith(b"PK"))


def read(data: bytes, limits: GatewaySettings = LIMITS) -> dict[str, bytes]:
    return dict(read_zip(memoryview(data), limits))


def refusal(data: bytes, limits: GatewaySettings = LIMITS) -> str:
    with pytest.raises(Problem) as caught:
        read(data, limits)
    return caught.value.slug


class TestHonestArchives:
    @given(
        files=st.dictionaries(NAMES, FILES, max_size=8),
        method=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
        large=st.booleans(),
        comment=st.binary(max_size=30).filter(lambda text: b"PK" not in text),
    )
    @settings(max_examples=150, deadline=None)
    def test_whatever_zipfile_writes_is_read_equal(
        self, files: dict[str, bytes], method: int, large: bool, comment: bytes
    ) -> None:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", method) as archive:
            archive.comment = comment
            for name, data in files.items():
                with archive.open(name, "w", force_zip64=large) as file:
                    file.write(data)
        noise = {name for name in files if name in (".DS_Store", "Thumbs.db", "desktop.ini")}
        assert read(out.getvalue()) == {name: files[name] for name in files.keys() - noise}

    def test_a_streamed_archive_is_read(self) -> None:
        class Stream(io.RawIOBase):
            """A file that cannot go back, so that sizes follow the data."""

            def __init__(self) -> None:
                self.data = bytearray()

            def writable(self) -> bool:
                return True

            def write(self, data: bytes) -> int:  # type: ignore[override]
                self.data += bytes(data)
                return len(data)

        stream = Stream()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("streamed.png", b"pixels" * 50)
        assert read(bytes(stream.data)) == {"streamed.png": b"pixels" * 50}

    def test_folders_and_what_desktops_leave_are_passed_over(self) -> None:
        files = {"scans/": b"", "scans/a.png": b"a", "__MACOSX/scans/._a.png": b"x"}
        files |= {"scans/._a.png": b"x", "windows\\": b""}
        noise = {".DS_Store": b"x", "scans/Thumbs.db": b"x", "scans/desktop.ini": b"x"}
        assert read(zip_of(files | noise)) == {"scans/a.png": b"a"}

    def test_noise_and_folders_among_thousands_are_passed_over(self) -> None:
        files = {f"scans/{number:05}.png": b"%d" % number for number in range(3000)}
        noise = {f"scans/._{number}.png": b"x" for number in range(0, 3000, 700)}
        assert read(zip_of({"scans/": b"", **files, "more/": b"", **noise})) == files

    @pytest.mark.parametrize(("written", "name"), [("ü.png".encode(), "ü.png"), (b"\x81.png", "ü.png")])
    def test_names_are_read_whatever_they_are_written_in(self, written: bytes, name: str) -> None:
        assert read(raw_zip(Entry(written))) == {name: b""}
        assert read(raw_zip(Entry(b"\xff" + "ü".encode(), flags=UTF8))) == {"\ufffdü": b""}

    @pytest.mark.parametrize(("count", "zip64"), [(0xFFFF, False), (0xFFFF, True), (70_000, True)])
    def test_tens_of_thousands_of_files_are_read(self, count: int, zip64: bool) -> None:
        assert len(read(zip_of_many(count, zip64=zip64))) == count

    def test_a_small_archive_may_be_a_zip64(self) -> None:
        place = HONEST.rfind(b"PK\x05\x06")
        count, size, offset = struct.unpack_from("<HII", HONEST, place + 10)
        record_and_locator = end_of_zip64(count, size, offset, place)[: 56 + 20]
        for disk in (b"\0\0", b"\xff\xff"):
            end = HONEST[place : place + 4] + disk + HONEST[place + 6 :]
            assert read(HONEST[:place] + record_and_locator + end) == read(HONEST)

    def test_sizes_and_places_may_be_written_in_64_bits(self) -> None:
        data, large = b"pixels" * 50, 0xFFFFFFFF
        packed = zlib.compress(data)[2:-4]
        entry = Entry(b"a", packed, DEFLATED, crc=zlib.crc32(data), unpacked=len(data))
        other = struct.pack("<HHI", 0x5455, 4, 0)
        sizes = struct.pack("<HHQQQ", 1, 24, len(data), len(packed), 0)
        every = replace(entry, packed=large, unpacked=large, offset=large, extra=other + sizes)
        one = replace(entry, packed=large, extra=struct.pack("<HHQ", 1, 8, len(packed)))
        assert read(raw_zip(every)) == read(raw_zip(one)) == {"a": data}

    @pytest.mark.parametrize("comment", [b"", b"x" * 65_535])
    def test_the_end_is_found_behind_what_looks_like_it_and_before_any_comment(
        self, comment: bytes
    ) -> None:
        data = b"no end: PK\x05\x06" + bytes(30)
        assert read(raw_zip(Entry(b"a", data), comment=comment)) == {"a": data}

    def test_as_many_zeros_as_a_blank_sheet_has_are_read(self) -> None:
        assert read(zip_of({"blank.bmp": bytes(8 * ZEROS)})) == {"blank.bmp": bytes(8 * ZEROS)}


LIES = {
    "no end": (HONEST[:-22], "archive-invalid"),
    "an end only": (end_of_zip(1, 46, 0), "archive-invalid"),
    "cut in the middle": (HONEST[: len(HONEST) // 2], "archive-invalid"),
    "fewer than promised": (raw_zip(Entry(b"a"), count=2), "archive-invalid"),
    "more than promised": (raw_zip(Entry(b"a"), Entry(b"b"), count=1), "archive-invalid"),
    "a directory elsewhere": (raw_zip(Entry(b"a"), shift=-1), "archive-invalid"),
    "a directory outside": (raw_zip(Entry(b"a"), shift=1 << 30), "archive-invalid"),
    "a file outside": (raw_zip(Entry(b"a", offset=1 << 31)), "archive-invalid"),
    "a file elsewhere": (raw_zip(Entry(b"abc", b"x" * 50, offset=9)), "archive-invalid"),
    "a longer file than there is": (raw_zip(Entry(b"a", packed=9999, unpacked=9999)), "archive-invalid"),
    "a wrong checksum": (raw_zip(Entry(b"a", b"data", crc=1)), "archive-invalid"),
    "stored, of two sizes": (raw_zip(Entry(b"a", b"data", unpacked=3)), "archive-bomb"),
    "stored, larger unpacked": (raw_zip(Entry(b"a", b"data", unpacked=5)), "archive-invalid"),
    "not deflated": (raw_zip(Entry(b"a", b"\xff" * 9, DEFLATED)), "archive-invalid"),
    "deflated, cut off": (
        raw_zip(Entry(b"a", zlib.compress(b"data")[2:-6], DEFLATED, unpacked=4)),
        "archive-invalid",
    ),
    "zip64, sizes missing": (raw_zip(Entry(b"a", packed=0xFFFFFFFF)), "archive-invalid"),
    "zip64, absurd offset": (
        raw_zip(Entry(b"a", offset=0xFFFFFFFF, extra=struct.pack("<HHQ", 1, 8, (1 << 64) - 1))),
        "archive-invalid",
    ),
    "zip64, extra field cut": (
        raw_zip(Entry(b"a", offset=0xFFFFFFFF, extra=struct.pack("<HH", 1, 800))),
        "archive-invalid",
    ),
    "zip64, end elsewhere": (end_of_zip64(1, 46, 0, 0, claimed=1), "archive-invalid"),
    "zip64, end at 2^64 - 1": (end_of_zip64(1, 46, 0, 0, claimed=(1 << 64) - 1), "archive-invalid"),
    "zip64, directory at 2^64 - 1": (end_of_zip64(1, 46, (1 << 64) - 1, 0), "archive-invalid"),
    "zip64, 2^64 - 1 entries": (end_of_zip64((1 << 64) - 1, 46, 0, 0), "too-many-entries"),
    "several volumes": (HONEST[:-18] + b"\1\0" + HONEST[-16:], "archive-unsupported"),
    "encrypted": (raw_zip(Entry(b"a", b"data", flags=1)), "archive-unsupported"),
    "encrypted, streamed": (raw_zip(Entry(b"a", b"data", flags=9)), "archive-unsupported"),
    "bzip2": (raw_zip(Entry(b"a", b"data", method=12)), "archive-unsupported"),
    "a link": (raw_zip(Entry(b"a", b"/etc/passwd", mode=0o120777)), "archive-unsupported"),
    "a ZIP inside": (zip_of({"inner.zip": HONEST}), "nested-archive"),
    "an empty ZIP inside": (zip_of({"inner.zip": end_of_zip(0, 0, 0)}), "nested-archive"),
    "a way out": (raw_zip(Entry(b"../../etc/passwd")), "unsafe-name"),
    "a way out in the middle": (raw_zip(Entry(b"a/../../b")), "unsafe-name"),
    "a way out by backslash": (raw_zip(Entry(b"a\\..\\..\\b")), "unsafe-name"),
    "an absolute name": (raw_zip(Entry(b"/etc/passwd")), "unsafe-name"),
    "a drive": (raw_zip(Entry(b"C:\\scan.png")), "unsafe-name"),
    "a share": (raw_zip(Entry(b"\\\\host\\scan.png")), "unsafe-name"),
}


class TestLies:
    @pytest.mark.parametrize(("data", "slug"), LIES.values(), ids=LIES.keys())
    def test_a_lie_is_told_by_its_own_problem(self, data: bytes, slug: str) -> None:
        assert refusal(data) == slug

    def test_the_one_of_thousands_that_is_at_fault_is_named(self) -> None:
        entries = [Entry(b"%04d.png" % number, b"data") for number in range(3000)]
        entries[2345] = Entry(b"secret.png", b"data", flags=1)
        with pytest.raises(Problem, match=r"'secret\.png' is encrypted"):
            read(raw_zip(*entries))

    def test_names_are_kept_as_labels(self) -> None:
        long, odd = b"d/" * 5000 + b"scan.png", b"a\x00b\nc\x1b[31m.png"
        first, second = read(raw_zip(Entry(long), Entry(odd)))
        assert first == ("d/" * 5000 + "scan.png")[-255:]
        assert (
            second
            == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c\N{REPLACEMENT CHARACTER}[31m.png"
        )

    @pytest.mark.parametrize(
        ("written", "name"),
        [
            (b"d/" * 200 + b"scan.png", ("d/" * 200 + "scan.png")[-255:]),
            (b"a\nb", "a\ufffdb"),
            ("a\x9b\u2028b".encode(), "a\ufffd\ufffdb"),
        ],
    )
    def test_a_name_that_is_nearly_plain_is_no_exception(self, written: bytes, name: str) -> None:
        assert read(raw_zip(Entry(b"plain.png"), Entry(written))) == {"plain.png": b"", name: b""}

    @given(data=st.data())
    @settings(max_examples=400, deadline=None)
    def test_damage_anywhere_is_a_problem_or_harmless(self, data: st.DataObject) -> None:
        broken = bytearray(data.draw(st.sampled_from([HONEST, raw_zip(bomb(1)), zip_of_many(3)])))
        for _ in range(data.draw(st.integers(1, 4))):
            at = data.draw(st.integers(0, len(broken) - 1))
            width = data.draw(st.sampled_from([1, 2, 4, 8]))
            broken[at : at + width] = data.draw(
                st.sampled_from([b"", bytes(width), b"\xff" * width]) | st.binary(min_size=1, max_size=8)
            )
        with contextlib.suppress(Problem):
            read(bytes(broken))


BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "500 MB": (lambda: raw_zip(bomb(500)), "file-too-large"),
    "510 MB in 34 files": (lambda: raw_zip(*(bomb(15, b"%d" % n) for n in range(34))), "archive-bomb"),
    "50 MB said to be 10 bytes": (lambda: raw_zip(bomb(50, unpacked=10)), "archive-bomb"),
    "stored, said to be 10 bytes": (
        lambda: raw_zip(Entry(b"a", bytes(17 * ZEROS), unpacked=10)),
        "file-too-large",
    ),
    "30,000 files in one": (lambda: overlapping_zip(30_000), "archive-bomb"),
    "two files in one": (lambda: overlapping_zip(2), "archive-bomb"),
    "10^6 files": (lambda: zip_of_many(1_000_000), "too-many-entries"),
}


class TestBombs:
    @pytest.mark.parametrize(("make", "slug"), BOMBS.values(), ids=BOMBS.keys())
    def test_a_bomb_costs_neither_time_nor_memory(self, make: Callable[[], bytes], slug: str) -> None:
        data = make()
        start = time.thread_time()
        assert refusal(data) == slug
        assert time.thread_time() - start < 0.5
        tracemalloc.start()
        refusal(data)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert most < 8 * ZEROS

    def test_long_names_are_not_held_all_at_once(self) -> None:
        data = raw_zip(*(Entry(b"%d" % number + b"x" * 60_000) for number in range(500)))
        tracemalloc.start()
        count = sum(1 for _ in read_zip(memoryview(data), LIMITS))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert count == 500
        assert most < 2 << 20

    def test_nothing_is_unpacked_before_all_was_looked_at(self) -> None:
        files = [Entry(b"%d" % number, b"pixels") for number in range(9)]
        archive = read_zip(memoryview(raw_zip(*files, Entry(b"../out"))), LIMITS)
        with pytest.raises(Problem):
            next(archive)

    def test_the_limits_are_settings(self) -> None:
        archive = zip_of({"a": bytes(1000), "b": bytes(1000)})
        assert refusal(archive, GatewaySettings(max_zip_entries=1)) == "too-many-entries"
        assert refusal(archive, GatewaySettings(max_image_bytes=999)) == "file-too-large"
        assert refusal(archive, GatewaySettings(max_unpacked_bytes=1999)) == "archive-bomb"
        blank = zip_of({"a": bytes(9 * ZEROS), "b": bytes(9 * ZEROS)})
        assert refusal(blank) == "archive-bomb"
        assert len(read(blank, GatewaySettings(max_ratio=2000))) == 2
