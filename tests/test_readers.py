"""Readers: the same characters through every form are the same set, whatever labels are called."""

from pathlib import Path

import numpy as np
import pytest

from model.files.images import png
from model.ink.normalization import to_glyph
from training.sets.catalogue import BALANCED, LETTERS
from training.sets.data import BadData, Set
from training.sets.readers import Meaning, read
from training.sets.readers.meaning import class_of

from datafiles import (
    FORMS,
    Writer,
    drawn_set,
    put,
    save,
    write_csv,
    write_idx,
    write_keras_npz,
    write_names,
    write_npz,
    write_sub_folders,
)
from samples import drawings, zip_of


@pytest.fixture
def drawn(rng: np.random.Generator) -> Set:
    """A small set to write and to read."""
    return drawn_set(rng)


def content(data: Set) -> list[tuple[int, bytes]]:
    """What is in a set, whatever its order."""
    return sorted(
        (int(label), image.tobytes()) for image, label in zip(data.images, data.labels, strict=True)
    )


class TestRoundTrips:
    @pytest.mark.parametrize("write", FORMS)
    @pytest.mark.parametrize("transposed", [False, True])
    def test_every_form_gives_the_same_set(
        self, write: Writer, transposed: bool, drawn: Set, tmp_path: Path
    ) -> None:
        lying = np.ascontiguousarray(drawn.images.transpose(0, 2, 1)) if transposed else drawn.images
        found = read(write(tmp_path, lying, drawn.labels), BALANCED, transposed=transposed)
        assert found.images.dtype == found.labels.dtype == np.uint8
        assert found.images.flags.c_contiguous
        assert found.images.flags.writeable
        assert content(found) == content(drawn)

    def test_a_folder_of_transposed_jpegs(self, drawn: Set, tmp_path: Path) -> None:
        write_names(tmp_path, drawn.images.transpose(0, 2, 1).copy(), drawn.labels, "jpg", quality=95)
        found = read(tmp_path, BALANCED, transposed=True)
        order = np.argsort([f"{BALANCED[label]}_{row:05}" for row, label in enumerate(drawn.labels)])
        assert found.labels.tolist() == drawn.labels[order].tolist()
        apart = np.abs(found.images.astype(int) - drawn.images[order]).mean(axis=(1, 2))
        assert apart.max() < 8  # what JPEG loses; on their sides they are 17 away and more

    def test_larger_images_become_glyphs_as_the_service_makes_them(
        self, rng: np.random.Generator, tmp_path: Path
    ) -> None:
        scans = drawings(3, rng)
        for number, scan in enumerate(scans):
            save(tmp_path / f"{number}_scan.png", scan)
        found = read(tmp_path, BALANCED, normalization="emnist")
        expected = [to_glyph(scan, "emnist") for scan in scans]
        np.testing.assert_array_equal(found.images, expected)
        assert found.labels.tolist() == [0, 1, 2]

    @pytest.mark.parametrize("write", [write_idx, write_csv, write_npz, write_names])
    def test_dark_ink_on_white_is_inverted_and_that_is_said(
        self, write: Writer, drawn: Set, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = write(tmp_path, 255 - drawn.images, drawn.labels)
        assert content(read(path, BALANCED, normalization=None)) == content(drawn)
        assert "dark ink on white" in capsys.readouterr().err
        drawn.images[:40] = 255 - drawn.images[:40]  # fewer than half
        path = write(tmp_path, drawn.images, drawn.labels)
        assert content(read(path, BALANCED, normalization=None)) == content(drawn)
        assert not capsys.readouterr().err

    @pytest.mark.parametrize("kind", [bool, np.uint8, np.int64, np.float32, "csv"])
    def test_ink_that_is_said_by_ones_is_bright(
        self, kind: type | str, drawn: Set, tmp_path: Path
    ) -> None:
        ink = (drawn.images > 127).astype(np.uint8)
        if kind == "csv":
            path = write_csv(tmp_path, ink, drawn.labels)
        else:
            path = write_npz(tmp_path, ink.astype(kind), drawn.labels)
        np.testing.assert_array_equal(read(path, BALANCED).images, ink * 255)

    @pytest.mark.parametrize("names", [("X_{}", "y_{}"), ("{}_images", "{}_labels")])
    def test_one_part_of_an_npz_is_chosen(
        self, names: tuple[str, str], drawn: Set, tmp_path: Path
    ) -> None:
        path = write_keras_npz(tmp_path, drawn.images, drawn.labels, names)
        assert content(read(path, BALANCED)) == content(drawn)
        assert len(read(path, BALANCED, part="test")) == 3

    @pytest.mark.parametrize("names", [("train", "test"), ("training", "testing"), ("Train", "test")])
    def test_one_part_of_a_folder_is_chosen(
        self, names: tuple[str, str], drawn: Set, tmp_path: Path
    ) -> None:
        for name, rows in zip(names, (slice(0, -2), slice(-2, None)), strict=True):
            write_sub_folders(tmp_path / name, drawn.images[rows], drawn.labels[rows])
        assert len(read(tmp_path, BALANCED)) == len(drawn) - 2
        last = drawn.take(np.arange(len(drawn) - 2, len(drawn)))
        assert content(read(tmp_path, BALANCED, part="test")) == content(last)


class TestLabels:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("7", 7),
            ("A", 10),
            ("a", 36),
            ("c", 12),  # EMNIST merges c and C
            ("46", 46),
            ("47", None),
            ("00046", 46),
            ("00000", 0),
            ("00047", None),
            ("upper_a", 10),
            ("lower_a", 36),
            ("lower_c", 12),
            ("255", 255),
            ("-1", None),
            ("7.5", None),
            ("é", None),
            ("ß", None),
            ("", None),
            ("train", None),
        ],
    )
    def test_what_is_meant_by_a_name(self, text: str, expected: int | None) -> None:
        assert class_of(text, Meaning(BALANCED)) == expected

    @pytest.mark.parametrize(("folder", "label"), [("a", 36), ("12", 12)])
    def test_the_folder_of_a_label_is_not_one_around_everything(
        self, folder: str, label: int, drawn: Set, tmp_path: Path
    ) -> None:
        images = {f"set/{folder}/{row}_0.png": png(drawn.images[row]) for row in range(3)}
        found = read(put(tmp_path / "set.zip", zip_of(images)), BALANCED)
        assert found.labels.tolist() == [label] * 3

    def test_numbers_may_count_from_one(self, drawn: Set, tmp_path: Path) -> None:
        path = write_idx(tmp_path, drawn.images[:26], np.arange(1, 27, dtype=np.uint8))
        assert read(path, LETTERS, first=1).labels.tolist() == list(range(26))
        assert "label 26: label '26'" in refusal_of_labels(path, first=0)
        said = refusal_of_labels(path, first=2)
        assert "label 1: label '1'" in said
        assert "(2 to 27)" in said

    def test_an_image_without_a_label_is_left_out(self, drawn: Set, tmp_path: Path) -> None:
        path = write_idx(tmp_path, drawn.images[:3], np.array([5, 255, 6], np.uint8))
        found = read(path, BALANCED)
        assert found.labels.tolist() == [5, 6]
        np.testing.assert_array_equal(found.images, drawn.images[[0, 2]])

    def test_a_set_without_any_label_is_refused(self, drawn: Set, tmp_path: Path) -> None:
        path = write_idx(tmp_path, drawn.images[:3], np.full(3, 255, np.uint8))
        with pytest.raises(BadData, match=r"some-images.*: not one image with a label"):
            read(path, BALANCED)


def refusal_of_labels(path: Path, first: int) -> str:
    with pytest.raises(BadData, match="some-labels-idx1-ubyte") as caught:
        read(path, LETTERS, first=first)
    return str(caught.value)
