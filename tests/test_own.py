"""A person's own files in the place of the known sets: fairly divided, and named for what they are."""

import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from training.cli import app
from training.registry import load
from training.sets.data import BadData
from training.sets.own import read_own
from training.sets.tasks import TASKS

from datafiles import write_csv, write_keras_npz
from samples import glyphs
from small_trainings import drawn_digits

BALANCED = TASKS["balanced"]


@pytest.fixture
def path(rng: np.random.Generator, tmp_path: Path) -> Path:
    """Twenty images of each of the 47 characters, as a CSV."""
    return write_csv(tmp_path, glyphs(940, rng), (np.arange(940) % 47).astype(np.uint8))


def test_a_tenth_of_every_class_is_held_out_to_choose_and_another_to_measure(path: Path) -> None:
    split = read_own(path, None, BALANCED)
    for part, count in ((split.train, 16), (split.validation, 2), (split.test, 2)):
        assert np.bincount(part.labels).tolist() == [count] * 47
    images = [
        image.tobytes() for part in (split.train, split.validation, split.test) for image in part.images
    ]
    assert len(set(images)) == 940
    assert split.measured_on == "a tenth held out of train.csv, 94 images"


def test_a_test_file_is_measured_on_and_nothing_else(path: Path, rng: np.random.Generator) -> None:
    images, labels = glyphs(47, rng), np.arange(47, dtype=np.uint8)
    np.savez(
        path.with_name("other.npz"), x_test=images, y_test=labels, x_train=images[:1], y_train=labels[:1]
    )
    split = read_own(path, path.with_name("other.npz"), BALANCED)
    np.testing.assert_array_equal(split.test.images, images)
    assert (len(split.train), len(split.validation)) == (846, 94)
    assert split.measured_on == "other.npz, 47 images"


def test_no_image_is_measured_that_was_trained_on(
    path: Path, rng: np.random.Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    new, old = glyphs(47, rng), read_own(path, None, BALANCED).train.images[:5]
    test = write_csv(
        path.parent / "test", np.concatenate([old, new]), np.arange(52, dtype=np.uint8) % 47
    )
    split = read_own(path, test, BALANCED)
    np.testing.assert_array_equal(split.test.images, new)
    assert split.measured_on == "train.csv, 47 images"
    assert "5 of 52 images are among those to train on" in capsys.readouterr().err
    with pytest.raises(BadData, match=r"train\.csv: all of its 940 images are among those to train on"):
        read_own(path, path, BALANCED)


def test_an_image_that_is_there_twice_is_used_once(
    path: Path, rng: np.random.Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    images = glyphs(470, rng)
    labels = (np.arange(940) % 47).astype(np.uint8)
    twice = write_csv(path.parent / "twice", np.concatenate([images, images]), labels)
    split = read_own(twice, None, BALANCED)
    used = np.concatenate([part.images for part in (split.train, split.validation, split.test)])
    assert len({image.tobytes() for image in used}) == len(used) == 470
    assert "470 of 940 images are there already; they" in capsys.readouterr().err


def test_it_is_told_how_many_equal_images_have_different_labels_and_the_first_is_used(
    path: Path, rng: np.random.Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    images = glyphs(470, rng)
    labels = (np.arange(940) % 47).astype(np.uint8)
    labels[-3:] = labels[:3]
    train = write_csv(path.parent / "disputed", np.concatenate([images, images]), labels)
    split = read_own(train, None, BALANCED)
    label_of = {image.tobytes(): label for image, label in zip(images, labels[:470], strict=True)}
    used = [
        (image.tobytes(), label)
        for part in (split.train, split.validation, split.test)
        for image, label in zip(part.images, part.labels, strict=True)
    ]
    assert dict(used) == label_of
    said = "470 of 940 images are there already, 3 of them with another label; they are not used again"
    assert said in capsys.readouterr().err


def command(*arguments: str | Path, code: int = 0) -> str:
    """What a quick training prints."""
    line = ["train", "digits-nano", "--quick", "--threads", "1", *map(str, arguments)]
    done = CliRunner().invoke(app, line, env={"COLUMNS": "1000"})
    assert done.exit_code == code, done.output
    return done.output


def test_a_trained_network_is_measured_on_the_test_file(
    rng: np.random.Generator, tmp_path: Path
) -> None:
    split = drawn_digits()
    train = write_csv(tmp_path / "train", split.train.images, split.train.labels)
    test = write_keras_npz(tmp_path, split.test.images, split.test.labels)
    where = "--train", train, "--test", test, "--runs", tmp_path / "runs"
    found = re.search(r"measured on mnist.npz, 3 images: (.*) % are read right", command(*where))
    assert found
    card = load("digits-nano-quick", tmp_path / "runs")[0]
    assert card.measured_on == "mnist.npz, 3 images"
    assert f"{100 * card.accuracy['top1']:.2f}" == found[1]
    other = write_csv(tmp_path / "other", split.train.images[::-1], split.train.labels)
    said = command("--train", other, "--test", test, "--runs", tmp_path / "runs", code=1)
    assert "was begun on other images" in said
    assert "measured on a tenth held out of train.csv, 60 images: " in command(
        "--train", train, "--runs", tmp_path / "tenth"
    )
    assert "go with --train" in command("--test", test, code=2)


def test_what_is_missing_is_said_before_anything_is_printed_or_begun(path: Path, tmp_path: Path) -> None:
    runs, none = tmp_path / "runs", tmp_path / "none.csv"
    assert command("--train", none, "--runs", runs, code=1) == f"error: {none} is not there\n"
    line = ["train", "small-letters", "--train", str(path), "--runs", str(runs)]
    done = CliRunner().invoke(app, line, env={"COLUMNS": "1000"})
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("error: no network 'small-balanced' in ")
    assert not runs.exists()


def test_the_same_seed_divides_alike(path: Path) -> None:
    first, again, other = (read_own(path, None, BALANCED, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.validation.images, again.validation.images)
    assert not np.array_equal(first.validation.images, other.validation.images)


def test_transposed_files_stand_upright(path: Path) -> None:
    lying, upright = read_own(path, None, BALANCED), read_own(path, None, BALANCED, transposed=True)
    np.testing.assert_array_equal(upright.test.images, lying.test.images.transpose(0, 2, 1))


def test_a_rare_class_is_trained_on_first(rng: np.random.Generator, tmp_path: Path) -> None:
    labels = np.array([0] * 30 + [1] * 2 + [2], np.uint8)
    split = read_own(write_csv(tmp_path, glyphs(33, rng), labels), None, BALANCED)
    assert np.bincount(split.train.labels).tolist() == [24, 1, 1]
    assert np.bincount(split.test.labels).tolist() == [3, 1]


@pytest.mark.parametrize("lying", [False, True])
@pytest.mark.parametrize("transposed", [False, True])
def test_images_that_seem_to_lie_on_their_sides_are_told_of(
    lying: bool, transposed: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images, labels = drawn_digits().train.images, drawn_digits().train.labels
    path = write_csv(tmp_path, images.transpose(0, 2, 1) if lying else images, labels)
    read_own(path, None, TASKS["digits"], transposed=transposed)
    said = "Give --transposed?" if lying else "Leave out --transposed?"
    assert (said in capsys.readouterr().err) is (lying != transposed)


def test_images_of_one_character_are_refused(rng: np.random.Generator, tmp_path: Path) -> None:
    path = write_csv(tmp_path, glyphs(20, rng), np.zeros(20, np.uint8))
    with pytest.raises(BadData, match=r"every image is a '0'; .* first or last field of a line"):
        read_own(path, None, BALANCED)


def test_too_few_images_are_refused(rng: np.random.Generator, tmp_path: Path) -> None:
    path = write_keras_npz(tmp_path, glyphs(5, rng), np.arange(5, dtype=np.uint8))
    with pytest.raises(BadData, match=r"mnist\.npz: 5 images are too few"):
        read_own(path, None, BALANCED)
