"""A set as courses hand it out: written as JPEGs on their sides, read back the same, folder or ZIP."""

import re
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from training.cli import app
from training.measures.evaluate import open_network
from training.sets.catalogue import BALANCED, LETTERS
from training.sets.course import names_of, write_course
from training.sets.data import BadData, Set
from training.sets.own import read_own
from training.sets.readers import read
from training.sets.tasks import TASKS, draw

from datafiles import put
from samples import glyphs

MOST, MEAN = 24, 2.0
"""What JPEG may move of a drawn glyph: any pixel, and all of them in the mean; of 255."""

OUTS = ("set", "set.zip")


def write(data: Set, out: Path, labels: str = LETTERS) -> Path:
    write_course({"": data}, labels, out, lambda: None)
    return out


def in_order_of_names(data: Set, labels: str = LETTERS) -> Set:
    return data.take(np.argsort(list(names_of(data, labels)), kind="stable"))


def export(*arguments: str | Path, code: int = 0) -> Result:
    done = CliRunner().invoke(app, ["data", "export", *map(str, arguments)], env={"COLUMNS": "1000"})
    assert done.exit_code == code, done.output
    return done


@pytest.fixture(scope="module")
def drawn() -> Set:
    """260 letters."""
    return draw(LETTERS, 3).test


@pytest.mark.parametrize("out", OUTS)
@pytest.mark.parametrize("labels", [LETTERS, BALANCED])
def test_what_is_written_is_read_back(out: str, labels: str, tmp_path: Path) -> None:
    drawn = Set(glyphs(94, np.random.default_rng(3)), (np.arange(94) % len(labels)).astype(np.uint8))
    found = read(write(drawn, tmp_path / out, labels), labels, transposed=True, normalization="emnist")
    expected = in_order_of_names(drawn, labels)
    assert found.labels.tolist() == expected.labels.tolist()
    apart = np.abs(found.images.astype(int) - expected.images)
    assert apart.max() <= MOST
    assert apart.mean(axis=(1, 2)).max() <= MEAN


def test_a_letter_at_the_edge_stays_as_it_is(tmp_path: Path) -> None:
    image = np.zeros((28, 28), np.uint8)
    cv2.line(image, (0, 3), (27, 24), 255, 5)
    image[:, 0] = 40  # a margin that is not black
    found = read(
        write(Set(image[None], np.zeros(1, np.uint8)), tmp_path / "set"), LETTERS, transposed=True
    )
    as_served = read(tmp_path / "set", LETTERS, transposed=True, normalization="emnist")
    np.testing.assert_array_equal(as_served.images, found.images)


def test_files_are_of_the_form_of_the_course(drawn: Set, tmp_path: Path) -> None:
    files = sorted(write(drawn, tmp_path / "set").iterdir())
    assert [file.name for file in files[:11]] == [f"a_{row:05}.jpg" for row in range(1, 11)] + [
        "b_00001.jpg"
    ]
    image = cv2.imread(str(files[0]), cv2.IMREAD_UNCHANGED)
    assert image is not None
    assert image.shape == (28, 28, 3)
    assert files[0].read_bytes().startswith(b"\xff\xd8\xff")
    upright = drawn.images[np.flatnonzero(drawn.labels == 0)[0]]
    lying = np.abs(image[..., 0].astype(int) - upright.T).mean()
    assert lying < MEAN < np.abs(image[..., 0].astype(int) - upright).mean()


def test_both_cases_have_names_of_their_own() -> None:
    both = Set(
        np.zeros((4, 28, 28), np.uint8), np.array([BALANCED.index(each) for each in "7AaC"], np.uint8)
    )
    assert [*names_of(both, BALANCED)] == [
        "7_00001.jpg",
        "upper_a_00001.jpg",
        "lower_a_00001.jpg",
        "c_00001.jpg",
    ]


@pytest.mark.parametrize("out", OUTS)
def test_what_is_exported_is_trained_and_measured_on(out: str, tmp_path: Path) -> None:
    said = export("letters", tmp_path / out, "--quick").stdout
    assert f"1,820 in {tmp_path / out / 'train'}, 260 in {tmp_path / out / 'test'}" in said
    split = read_own(tmp_path / out, tmp_path / out, TASKS["letters"], transposed=True)
    assert [len(part) for part in (split.train, split.validation, split.test)] == [1638, 182, 260]
    assert list(tmp_path.iterdir()) == [tmp_path / out]


@pytest.mark.parametrize("out", OUTS)
@pytest.mark.parametrize(("part", "count"), [("train", 1820), ("test", 260)])
def test_one_part_lies_straight_in_its_place(part: str, count: int, out: str, tmp_path: Path) -> None:
    export("letters", tmp_path / out, "--quick", f"--{part}")
    assert len(read(tmp_path / out, LETTERS, transposed=True)) == count
    if out.endswith(".zip"):
        assert "a_00001.jpg" in zipfile.ZipFile(tmp_path / out).namelist()
    else:
        assert (tmp_path / out / "a_00001.jpg").exists()


def test_nothing_is_overwritten(drawn: Set, tmp_path: Path) -> None:
    for there in (put(tmp_path / "set.zip", b"mine"), put(tmp_path / "set" / "mine", b"mine").parent):
        assert "is there already" in export("letters", there, "--quick", code=1).stderr
        with pytest.raises(BadData, match=re.escape(there.name)):
            write(drawn, there)
    assert (tmp_path / "set.zip").read_bytes() == (tmp_path / "set" / "mine").read_bytes() == b"mine"


@pytest.mark.parametrize("out", OUTS)
def test_what_is_broken_off_leaves_nothing(out: str, drawn: Set, tmp_path: Path) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_course({"train": drawn}, LETTERS, tmp_path / out, interrupt)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_task_is_refused(tmp_path: Path) -> None:
    assert "no task 'runes'" in export("runes", tmp_path / "set", code=2).stderr


def test_the_served_network_reads_them_as_it_reads_the_originals(tmp_path: Path) -> None:
    source = TASKS["letters"].sources[0]
    if source.missing(Path("data")):
        pytest.skip("the data sets are not here (see: inkqueue data)")
    test = source.test.read(Path("data"))
    some = np.concatenate([np.flatnonzero(test.labels == each)[:100] for each in range(26)])
    originals = in_order_of_names(test.take(some))
    found, zipped = (
        read(write(originals, tmp_path / out), LETTERS, transposed=True, normalization="emnist")
        for out in OUTS
    )
    np.testing.assert_array_equal(found.images, zipped.images)
    assert found.labels.tolist() == zipped.labels.tolist() == originals.labels.tolist()
    assert np.abs(found.images.astype(int) - originals.images).max() <= MOST
    network, _ = open_network("letters", tmp_path)
    right = [
        np.mean(network.logits(each.images).argmax(1) == each.labels) for each in (originals, found)
    ]
    assert right[0] > 0.9
    assert abs(right[0] - right[1]) < 0.01
