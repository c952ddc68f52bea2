"""Tasks: our own sets where they are, else the official ones, never both; and the table of them all."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from training.cli.console import console
from training.cli.data import app
from training.sets.catalogue import BALANCED, DIGITS, LETTERS, MNIST_TEST, MNIST_TRAIN, Known
from training.sets.data import Array, BadData, Set, hold_out
from training.sets.readers.idx import read_idx
from training.sets.readers.meaning import NO_LABEL
from training.sets.sources import (
    MNIST,
    OFFICIAL_26,
    OFFICIAL_47,
    OWN_26,
    OWN_47,
    SOURCES,
    Source,
    may_know,
)
from training.sets.tasks import TASKS, draw

from datafiles import labels_of, put
from samples import idx_of, zip_of


def write(folder: Path, known: Known, each: int, rng: np.random.Generator) -> Array:
    """Noise with `each` labels of every class, as the files of `known`; returns the images, upright."""
    meaning = known.meaning
    labels = np.tile(np.arange(len(meaning.labels), dtype=np.uint8), each)
    images = rng.integers(0, 256, (len(labels), 28, 28), np.uint8)
    lying = images.transpose(0, 2, 1).copy() if meaning.transposed else images
    put(folder / f"{known.images}.gz", gzip.compress(idx_of(lying, compressed=False), 0))
    put(folder / known.labels, labels_of(labels + np.uint8(meaning.first)))
    return images


def write_own_letters(folder: Path, rng: np.random.Generator) -> None:
    """The pools of the 47 classes, with the letters of the same images beside."""
    write_source(folder, OWN_47, rng)
    for cased, caseless in zip(OWN_47.train, OWN_26.train, strict=True):
        classes = [BALANCED[each] for each in read_idx(folder / cased.labels)]
        letters = [LETTERS.find(each.upper()) + 1 or NO_LABEL for each in classes]
        put(folder / caseless.labels, labels_of(np.array(letters, np.uint8)))
    write(folder, OWN_26.test, 2, rng)


def write_source(folder: Path, source: Source, rng: np.random.Generator) -> Array:
    """Just enough of every set of `source`; returns the images of its test set."""
    for known in source.train:
        write(folder, known, source.held_out + 1, rng)
    return write(folder, source.test, 2, rng)


@pytest.mark.parametrize(
    ("task", "source"),
    [
        ("balanced", OWN_47),
        ("balanced", OFFICIAL_47),
        ("letters", OFFICIAL_26),
        ("digits", MNIST),
    ],
)
def test_a_task_reads_what_is_there(
    task: str, source: Source, rng: np.random.Generator, tmp_path: Path
) -> None:
    test = write_source(tmp_path, source, rng)
    split = TASKS[task].read(tmp_path)
    classes = len(TASKS[task].labels)
    assert np.bincount(split.validation.labels).tolist() == [source.held_out] * classes
    assert np.bincount(split.test.labels).tolist() == [2] * classes
    np.testing.assert_array_equal(split.test.images, test)
    assert split.measured_on == source.measured_on
    learned = {image.tobytes() for image in split.train.images}
    assert not learned & {image.tobytes() for image in [*split.validation.images, *split.test.images]}


def test_what_the_47_classes_hold_out_the_letters_hold_out(
    rng: np.random.Generator, tmp_path: Path
) -> None:
    write_own_letters(tmp_path, rng)
    cased, caseless = (TASKS[task].read(tmp_path) for task in ("balanced", "letters"))
    held = {image.tobytes() for image in cased.validation.images}
    assert {image.tobytes() for image in caseless.validation.images} < held
    assert not {image.tobytes() for image in caseless.train.images} & held
    each = [sum(label.upper() == letter for label in BALANCED) for letter in LETTERS]
    assert np.bincount(caseless.validation.labels).tolist() == [OWN_47.held_out * n for n in each]


def test_letters_whose_case_is_not_known_may_be_either(rng: np.random.Generator, tmp_path: Path) -> None:
    write_own_letters(tmp_path, rng)
    cased, caseless = OWN_47.train[1], OWN_26.train[1]
    images, classes = cased.read(tmp_path).images, read_idx(tmp_path / cased.labels).copy()
    rows = [BALANCED.index(each) for each in "AC7"]
    classes[rows] = NO_LABEL
    put(tmp_path / cased.labels, labels_of(classes))
    partial = TASKS["balanced"].read(tmp_path).partial_labels
    assert partial
    np.testing.assert_array_equal(partial.images, images[rows[:2]])
    assert ["".join(np.array([*BALANCED])[each]) for each in partial.candidates] == ["Aa", "C"]
    (tmp_path / caseless.labels).unlink()
    assert TASKS["balanced"].read(tmp_path).partial_labels is None


def test_letters_want_the_labels_they_are_held_out_by(rng: np.random.Generator, tmp_path: Path) -> None:
    write_own_letters(tmp_path, rng)
    (tmp_path / OWN_47.train[1].labels).unlink()
    assert OWN_26.missing(tmp_path) == [OWN_47.train[1].labels]


def test_own_and_official_sets_are_never_mixed(rng: np.random.Generator, tmp_path: Path) -> None:
    write_source(tmp_path, OFFICIAL_47, rng)
    write(tmp_path, OWN_47.train[0], 1, rng)
    write(tmp_path, OWN_47.test, 1, rng)
    assert TASKS["balanced"].find(tmp_path) is OFFICIAL_47  # the second pool is missing
    write(tmp_path, OWN_47.train[1], 1, rng)
    assert TASKS["balanced"].find(tmp_path) is OWN_47
    for source in (OWN_47, OFFICIAL_47, OWN_26, OFFICIAL_26):
        official = {"emnist-" in known.images for known in (*source.train, source.test)}
        assert len(official) == 1


def test_a_network_may_know_the_test_images_of_another_family_unless_they_show_other_characters() -> (
    None
):
    every = (OWN_47, OWN_26, OFFICIAL_47, OFFICIAL_26, MNIST)
    new = {
        (one.measured_on, other.measured_on)
        for one in every
        for other in every
        if not may_know(one.measured_on, other.measured_on)
    }
    alike = {(each.measured_on, each.measured_on) for each in every}
    apart = [(OWN_47, OWN_26), (MNIST, OWN_26), (MNIST, OFFICIAL_26)]
    pairs = {(one.measured_on, other.measured_on) for one, other in apart}
    assert new == alike | pairs | {(other, one) for one, other in pairs}
    assert may_know("mine.csv, 47 images", MNIST.measured_on)
    assert not may_know(MNIST.measured_on, "mine.csv, 47 images"), "nobody can tell"


def test_a_network_of_drawn_characters_knows_no_test_images() -> None:
    assert not any(may_know(draw(DIGITS, 0).measured_on, test) for test in SOURCES)


@pytest.mark.parametrize("task", TASKS)
def test_what_is_missing_is_said_with_what_to_do(task: str, tmp_path: Path) -> None:
    with pytest.raises(BadData) as caught:
        TASKS[task].read(tmp_path)
    for source in TASKS[task].sources:
        for known in (*source.train, source.test):
            assert f"{known.images}.gz" in str(caught.value)
            assert f"{known.labels}.gz" in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert f"`inkqueue data fetch {TASKS[task].official}`" in str(caught.value)


def test_a_broken_file_is_named(rng: np.random.Generator, tmp_path: Path) -> None:
    write_source(tmp_path, MNIST, rng)
    put(tmp_path / f"{MNIST_TEST.images}.gz", b"cut off")
    with pytest.raises(BadData, match="t10k-images"):
        TASKS["digits"].read(tmp_path)


def test_what_is_held_out_is_the_same_every_time(rng: np.random.Generator) -> None:
    images = rng.integers(0, 256, (300, 28, 28), np.uint8)
    whole = Set(images, np.repeat(np.arange(3, dtype=np.uint8), 100))
    first, again, other = (hold_out(whole, 20, seed)[1].images for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_more_cannot_be_held_out_than_there_is(rng: np.random.Generator, tmp_path: Path) -> None:
    write(tmp_path, MNIST_TRAIN, 500, rng)
    write(tmp_path, MNIST_TEST, 1, rng)
    with pytest.raises(BadData, match="only 500 images"):
        TASKS["digits"].read(tmp_path)


def test_the_table_shows_what_is_there_what_is_broken_and_what_to_do(
    rng: np.random.Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_source(tmp_path, MNIST, rng)
    put(tmp_path / MNIST_TEST.labels, b"text")
    scans = zip_of({"labels.csv": b"file,label\n1.png,a\n", "1.png": b""})
    put(tmp_path / "scans" / "tablet-pen.zip", scans)
    monkeypatch.setattr(console, "width", 300)
    done = CliRunner().invoke(app, ["--data", str(tmp_path)])
    assert done.exit_code == 0, done.output
    rows = {line.split("│")[1].strip(): line for line in done.stdout.splitlines() if "│" in line}
    assert "5,010" in rows["MNIST, training"]
    assert "501 each" in rows["MNIST, training"]
    assert "ok" in rows["MNIST, training"]
    assert "not an IDX file" in rows["MNIST, test"]
    assert "missing" in rows["EMNIST Letters, test"]
    assert "missing" in rows["scans, paper photographs"]
    assert "│ 1 " in rows["scans, tablet pen"]
    assert "data fetch emnist" in done.stdout
    said = next(line for line in done.stdout.splitlines() if line.startswith("digits: "))
    assert said.startswith("digits: not ready: ")
    assert MNIST_TEST.labels in said
