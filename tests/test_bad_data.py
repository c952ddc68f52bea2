"""Data files that are missing, damaged or not what they should be: each is named, with what is wrong."""

import gzip
import re
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from training.sets.catalogue import BALANCED
from training.sets.course import to_jpeg
from training.sets.data import BadData, Set
from training.sets.readers import read
from training.sets.readers.archives import ENCRYPTED, MOST_BYTES

from datafiles import (
    HEADER,
    ROW,
    csv_of,
    drawn_set,
    labels_of,
    put,
    save,
    write_idx,
    write_names,
    write_npz,
    write_packed_csv,
)
from hostile_files import DEFLATED, Entry, raw_zip
from samples import idx_of, npy_of, zip_of


@pytest.fixture
def drawn(rng: np.random.Generator) -> Set:
    """A small set to write and to read."""
    return drawn_set(rng)


def refusal(path: Path, labels: str = BALANCED, **how: int) -> str:
    """What reading `path` says; it must name the file."""
    with pytest.raises(BadData, match=re.escape(path.name)) as caught:
        read(path, labels, **how)  # type: ignore[arg-type]
    return str(caught.value)


class TestBadIdx:
    @pytest.mark.parametrize(
        "damaged",
        [
            b"",
            b"text",
            bytes((0, 0, 8, 3)),
            bytes((0, 0, 8, 3, 0, 0, 0, 9)),
            bytes((0, 0, 13, 1, 0, 0, 0, 0)),
            bytes((0, 0, 8, 3)) + bytes(12) + b"too much",
        ],
    )
    def test_what_is_no_idx_file_is_refused_with_the_forms_that_are_read(
        self, damaged: bytes, tmp_path: Path
    ) -> None:
        assert ".csv, .npy, .npz, and folders" in refusal(put(tmp_path / "broken", damaged))

    @pytest.mark.parametrize(
        "change", [lambda data: data[:-6], lambda data: data[:90] + b"?" + data[91:]]
    )
    def test_a_damaged_gz_is_refused(
        self, change: Callable[[bytes], bytes], drawn: Set, tmp_path: Path
    ) -> None:
        path = write_idx(tmp_path, drawn.images, drawn.labels)
        path.write_bytes(change(path.read_bytes()))
        refusal(path)

    def test_counts_that_differ_are_refused(self, drawn: Set, tmp_path: Path) -> None:
        path = write_idx(tmp_path, drawn.images, drawn.labels[:-1])
        assert "94 images, but some-labels-idx1-ubyte.gz has 93 labels" in refusal(path)

    def test_labels_that_are_not_there_are_named(self, drawn: Set, tmp_path: Path) -> None:
        path = write_idx(tmp_path, drawn.images, drawn.labels)
        (tmp_path / "some-labels-idx1-ubyte.gz").unlink()
        assert "some-labels-idx1-ubyte.gz, is not beside it" in refusal(path)

    def test_a_name_that_leads_to_no_labels_is_refused(self, drawn: Set, tmp_path: Path) -> None:
        assert "'images'" in refusal(put(tmp_path / "pixels.gz", idx_of(drawn.images)))

    def test_labels_in_the_place_of_images_are_refused(self, drawn: Set, tmp_path: Path) -> None:
        path = write_idx(tmp_path, drawn.images, drawn.labels)
        path.write_bytes(gzip.compress(labels_of(drawn.labels)))
        assert "(94,), wanted (n, 28, 28)" in refusal(path)

    def test_another_size_is_refused(self, drawn: Set, tmp_path: Path) -> None:
        path = write_idx(tmp_path, drawn.images[:, 4:-4, 4:-4].copy(), drawn.labels)
        assert "(94, 20, 20)" in refusal(path)

    def test_a_label_out_of_range_is_refused(self, drawn: Set, tmp_path: Path) -> None:
        path = write_idx(tmp_path, drawn.images[:2], np.array([0, 47], np.uint8))
        with pytest.raises(BadData, match=r"some-labels-idx1-ubyte.gz: label 2: label '47' is none of"):
            read(path, BALANCED)


class TestBadTables:
    @pytest.mark.parametrize(
        ("rows", "expected"),
        [
            ([ROW, ROW[:-1]], "line 2 has 784 fields; a label and 784 pixels are wanted"),
            ([HEADER, ROW, [*ROW, "0"]], "line 3 has 786 fields"),
            ([ROW, [*ROW[:-1], "x"]], "line 2, field 785: 'x' is no whole number from 0 to 255"),
            (
                [["7", *["0.0"] * 783, "0.5"]],
                "line 1, field 2: '0.0' is no whole number from 0 to 255; decimals are not read",
            ),
            ([HEADER, ["7", *["0.5"] * 784]], "line 2, field 2: '0.5' is no whole number"),
            ([["7", "x", *ROW[2:]], ROW], "line 1, field 2: 'x'"),
            ([ROW, ["7", "256", *ROW[2:]]], "line 2, field 2: '256'"),
            ([ROW, ["7", "-1", *ROW[2:]]], "line 2, field 2: '-1'"),
            ([ROW, ["7", "", *ROW[2:]]], "line 2, field 2: ''"),
            ([ROW, ["7", "0.5", *ROW[2:]]], "line 2, field 2: '0.5'"),
            ([[*HEADER[1:], "class"], ["x", *ROW[2:], "7"]], "line 2, field 1: 'x'"),
            ([HEADER, ROW, ["47", *ROW[1:]]], "image 2: label '47'"),
            ([ROW, ["no", *ROW[1:]]], "image 2: label 'no'"),
            ([ROW[1:], ROW[1:]], "line 1 has 784 fields"),
            ([HEADER], "not one image"),
            ([], "not one image"),
        ],
    )
    def test_the_line_is_named(self, rows: list[list[str]], expected: str, tmp_path: Path) -> None:
        assert expected in refusal(put(tmp_path / "train.csv", csv_of(rows)))

    def test_blank_lines_do_not_count(self, tmp_path: Path) -> None:
        path = put(tmp_path / "train.csv", csv_of([ROW]) + b"\n" + csv_of([ROW]))
        assert len(read(path, BALANCED)) == 2

    @pytest.mark.parametrize("name", ["train.csv", "train.csv.gz", "train.zip"])
    def test_bytes_that_are_no_table_are_refused(
        self, name: str, rng: np.random.Generator, tmp_path: Path
    ) -> None:
        refusal(put(tmp_path / name, rng.bytes(5000)))

    def test_a_cut_off_gz_is_refused(self, drawn: Set, tmp_path: Path) -> None:
        path = write_packed_csv(tmp_path, drawn.images, drawn.labels)
        path.write_bytes(path.read_bytes()[:-1000])
        refusal(path)

    @pytest.mark.parametrize("names", [("readme.txt",), ("a.csv", "b.csv")])
    def test_a_zip_must_hold_one_table(self, names: tuple[str, ...], tmp_path: Path) -> None:
        path = put(tmp_path / "archive.zip", zip_of(dict.fromkeys(names, csv_of([ROW]))))
        assert "one CSV is wanted" in refusal(path)


class TestBadFolders:
    def test_an_empty_folder_is_refused(self, tmp_path: Path) -> None:
        assert "no image" in refusal(tmp_path)

    def test_a_path_that_is_not_there_is_refused(self, tmp_path: Path) -> None:
        assert "is not there" in refusal(tmp_path / "nothing")

    @pytest.mark.parametrize("damage", [b"", b"no image", None])
    def test_an_unreadable_image_is_named(
        self, damage: bytes | None, drawn: Set, tmp_path: Path
    ) -> None:
        write_names(tmp_path, drawn.images, drawn.labels)
        bad = tmp_path / "A_00010.png"
        bad.write_bytes(bad.read_bytes()[:-40] if damage is None else damage)
        with pytest.raises(BadData, match=r"A_00010\.png"):
            read(tmp_path, BALANCED)

    @pytest.mark.parametrize("name", ["train/1.png", "é_0001.png", "_.png", "47/0.png"])
    def test_a_name_that_is_no_label_is_named(self, name: str, drawn: Set, tmp_path: Path) -> None:
        save(tmp_path / name, drawn.images[0])
        with pytest.raises(BadData, match=f"{re.escape(name)}: label .* is none of"):
            read(tmp_path, BALANCED)


class TestBadArchives:
    @pytest.fixture
    def files(self, drawn: Set) -> dict[str, bytes]:
        """Two characters as JPEGs on their sides."""
        return dict(zip(("a_00001.jpg", "b_00002.jpg"), map(to_jpeg, drawn.images), strict=False))

    @pytest.mark.parametrize(
        ("name", "content", "expected"),
        [
            ("c_00003.jpg", b"", "the file is empty"),
            ("c_00003.jpg", b"no image", "not a PNG, JPEG"),
            ("c_00003.jpg", bytes(MOST_BYTES + 1), "16,777,217 bytes; at most 16,777,216 are read"),
            ("é_00003.jpg", b"", "label 'é' is none of"),
            ("train/a_1.jpg", b"", "label 'train' is none of"),
            ("labels.csv", b"a,b", "it holds images and labels.csv"),
        ],
    )
    def test_what_is_wrong_with_a_member_is_said(
        self, name: str, content: bytes, expected: str, files: dict[str, bytes], tmp_path: Path
    ) -> None:
        said = refusal(put(tmp_path / "set.zip", zip_of(files | {name: content})))
        assert expected in said
        assert name in said

    def test_a_folder_that_is_the_number_of_no_class_is_named(
        self, files: dict[str, bytes], tmp_path: Path
    ) -> None:
        numbered = {f"47/{row}.jpg": content for row, content in enumerate(files.values())}
        assert "label '47' is none of" in refusal(put(tmp_path / "set.zip", zip_of(numbered)))

    def test_a_member_that_is_there_twice_is_named(
        self, files: dict[str, bytes], tmp_path: Path
    ) -> None:
        entries = [Entry(b"a_00001.jpg", data) for data in files.values()]
        assert "it holds a_00001.jpg twice" in refusal(put(tmp_path / "set.zip", raw_zip(*entries)))

    def test_an_encrypted_member_is_named(self, files: dict[str, bytes], tmp_path: Path) -> None:
        entries = [Entry(name.encode(), data, flags=ENCRYPTED) for name, data in files.items()]
        said = refusal(put(tmp_path / "set.zip", raw_zip(*entries)))
        assert "set.zip: a_00001.jpg: it is encrypted" in said

    def test_damaged_bytes_are_named(self, files: dict[str, bytes], tmp_path: Path) -> None:
        sound, damaged = (Entry(name.encode(), data) for name, data in files.items())
        archive = raw_zip(sound, replace(damaged, crc=0))
        assert "b_00002.jpg: Bad CRC-32" in refusal(put(tmp_path / "set.zip", archive))

    def test_what_unpacks_to_more_than_it_says_takes_no_memory(self, tmp_path: Path) -> None:
        bomb = zlib.compress(bytes(100 << 20))[2:-4]
        entry = Entry(b"a_00001.jpg", bomb, DEFLATED, unpacked=1000)
        path = put(tmp_path / "set.zip", raw_zip(entry))
        tracemalloc.start()
        try:
            assert "a_00001.jpg: Bad CRC-32" in refusal(path)
            assert tracemalloc.get_traced_memory()[1] < 10 << 20
        finally:
            tracemalloc.stop()

    def test_what_is_cut_off_is_refused(self, files: dict[str, bytes], tmp_path: Path) -> None:
        whole = zip_of(files)
        for length in (0, 10, len(whole) // 2, len(whole) - 1):
            refusal(put(tmp_path / "set.zip", whole[:length]))

    def test_a_name_is_refused_before_an_image_is_read(
        self, files: dict[str, bytes], tmp_path: Path
    ) -> None:
        wrong = {"a_00001.jpg": b"no image", "é_00002.jpg": b""}
        assert "'é'" in refusal(put(tmp_path / "set.zip", zip_of(files | wrong)))


class TestBadArrays:
    @pytest.mark.parametrize(
        ("arrays", "expected"),
        [
            ({"pixels": np.zeros((2, 28, 28))}, "it holds pixels; wanted are x_train and y_train or"),
            ({"images": np.zeros((2, 28, 28))}, "it holds images; wanted are x_train and y_train or"),
            ({"images": np.zeros((2, 28, 28)), "labels": np.zeros(3, int)}, "2 images, but labels"),
            ({"images": np.zeros((2, 28, 28)), "labels": np.zeros((2, 47))}, "labels of shape (2, 47)"),
            (
                {"images": np.zeros((2, 28, 27)), "labels": np.zeros(2, int)},
                "images of shape (2, 28, 27)",
            ),
            ({"images": np.zeros(()), "labels": np.zeros(2, int)}, "images of shape ()"),
            ({"images": np.zeros((0, 28, 28)), "labels": np.zeros(0, int)}, "not one image"),
            ({"images": np.full((2, 28, 28), 256), "labels": np.zeros(2, int)}, "from 256 to 256"),
            ({"images": np.full((2, 28, 28), -1), "labels": np.zeros(2, int)}, "from -1 to -1"),
            ({"images": np.full((2, 28, 28), 1.01), "labels": np.zeros(2, int)}, "from 1.01 to 1.01"),
            ({"images": np.full((2, 28, 28), np.nan), "labels": np.zeros(2, int)}, "nan"),
            ({"images": np.full((2, 28, 28), "a"), "labels": np.zeros(2, int)}, "<U1"),
            ({"images": np.zeros((2, 28, 28)), "labels": np.array([0, 47])}, "image 2: label '47'"),
            ({"images": np.zeros((2, 28, 28)), "labels": np.array([0, 0.5])}, "image 2: label '0.5'"),
            ({"images": np.zeros((2, 28, 28)), "labels": np.array([0, None])}, "allow_pickle"),
        ],
    )
    def test_what_is_wrong_is_said(
        self, arrays: dict[str, np.ndarray], expected: str, tmp_path: Path
    ) -> None:
        np.savez(tmp_path / "set.npz", **arrays)  # type: ignore[arg-type]
        assert expected in refusal(tmp_path / "set.npz")

    @pytest.mark.parametrize("name", ["set.npz", "images.npy"])
    @pytest.mark.parametrize(
        "damage", [b"", b"text", b"\x93NUMPY\x01\x00", b"PK\x03\x04", npy_of(np.zeros(3))]
    )
    def test_damaged_files_are_refused(self, name: str, damage: bytes, tmp_path: Path) -> None:
        refusal(put(tmp_path / name, damage))

    def test_a_damaged_member_is_refused(self, drawn: Set, tmp_path: Path) -> None:
        path = write_npz(tmp_path, drawn.images, drawn.labels)
        packed = bytearray(path.read_bytes())
        packed[500:600] = bytes(100)
        refusal(put(path, bytes(packed)))

    def test_labels_that_are_not_beside_are_named(self, drawn: Set, tmp_path: Path) -> None:
        assert "labels.npy, is not beside" in refusal(put(tmp_path / "images.npy", npy_of(drawn.images)))
