"""The training line on data sets that are drawn here: readers, augmentation, loop, calibration, card."""

import gzip
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model.checkpoint import load_checkpoint
from training.augment import random_affine
from training.data import BadData, Set, Split, hold_out, read_idx, read_set
from training.evaluate import calibrate, top_accuracy
from training.publish import publish
from training.recipe import RECIPES, Recipe
from training.train import batches, train

from samples import glyphs, idx_of


def drawn(count: int, rng: np.random.Generator) -> Set:
    """Drawn digits: labels 0..9 over and over."""
    images = glyphs(47 * count, rng)
    rows = np.flatnonzero(np.arange(len(images)) % 47 < 10)
    return Set(images[rows], (rows % 47).astype(np.uint8))


@pytest.fixture
def recipe() -> Recipe:
    """A small network for a short run."""
    return replace(RECIPES["digits"], epochs=4, draws=2560, batch=64, average=0.95, stages=((8,), (16,)))


def labels_of(count: int) -> bytes:
    classes = np.arange(count, dtype=np.uint8) % 10
    return bytes((0, 0, 8, 1)) + count.to_bytes(4, "big") + classes.tobytes()


def test_a_run_from_drawings_to_a_served_checkpoint(
    recipe: Recipe, rng: np.random.Generator, tmp_path: Path
) -> None:
    split = Split(drawn(30, rng), drawn(5, rng), drawn(5, rng))
    card = publish(recipe, train(recipe, split.train), split, tmp_path)
    assert card.accuracy["top1"] > 0.8
    assert card.accuracy["top3"] >= card.accuracy["top2"] >= card.accuracy["top1"]
    loaded, _ = load_checkpoint("digits", tmp_path)
    assert loaded.sha256 == card.sha256


def test_the_same_seed_trains_the_same_network(recipe: Recipe, rng: np.random.Generator) -> None:
    short, data = replace(recipe, epochs=1, draws=640), drawn(5, rng)
    first, second = (train(short, data).state_dict() for _ in range(2))
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_idx_files_are_read_and_turned(rng: np.random.Generator, tmp_path: Path) -> None:
    images = glyphs(20, rng)
    (tmp_path / "images.gz").write_bytes(idx_of(images.transpose(0, 2, 1).copy()))
    (tmp_path / "labels").write_bytes(labels_of(20))
    found = read_set(tmp_path / "images.gz", tmp_path / "labels", transposed=True)
    np.testing.assert_array_equal(found.images, images)
    assert found.labels.tolist() == [number % 10 for number in range(20)]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        bytes((0, 0, 8, 3)),
        bytes((0, 0, 8, 1, 0, 0, 0, 9)),
        bytes((0, 0, 13, 1, 0, 0, 0, 0)),
    ],
)
def test_a_bad_idx_file_is_named(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "broken").write_bytes(content)
    with pytest.raises(BadData, match="broken"):
        read_idx(tmp_path / "broken")


def test_a_damaged_gz_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.gz").write_bytes(gzip.compress(labels_of(9))[:-4])
    with pytest.raises(BadData, match="broken"):
        read_idx(tmp_path / "broken.gz")


def test_counts_that_differ_are_refused(rng: np.random.Generator, tmp_path: Path) -> None:
    (tmp_path / "images").write_bytes(idx_of(glyphs(5, rng), compressed=False))
    (tmp_path / "labels").write_bytes(labels_of(4))
    with pytest.raises(BadData, match="images"):
        read_set(tmp_path / "images", tmp_path / "labels")


def test_what_is_held_out_is_not_trained_on(rng: np.random.Generator) -> None:
    whole = drawn(20, rng)
    rest, held = hold_out(whole, 3, seed=0)
    assert np.bincount(held.labels).tolist() == [3] * 10
    assert len(rest) + len(held) == len(whole)
    seen = {image.tobytes() for image in rest.images}
    assert not any(image.tobytes() in seen for image in held.images)


def test_rare_classes_are_drawn_as_often(recipe: Recipe) -> None:
    labels = np.array([0] * 990 + [1] * 10, np.uint8)
    data = Set(np.zeros((1000, 28, 28), np.uint8), labels)
    drawn_labels = torch.cat([found for _, found in batches(data, recipe, 30, torch.Generator())])
    assert 0.4 < drawn_labels.float().mean() < 0.6


def test_augmentation_moves_ink_and_keeps_most_of_it(recipe: Recipe, rng: np.random.Generator) -> None:
    images = torch.from_numpy(glyphs(50, rng)).unsqueeze(1).float() / 255
    moved = random_affine(images, recipe, torch.Generator().manual_seed(1))
    assert moved.shape == images.shape
    assert float(moved.min()) >= 0
    assert float(moved.max()) <= 1 + 1e-5
    assert not torch.equal(moved, images)
    kept = moved.sum(dim=(1, 2, 3)) / images.sum(dim=(1, 2, 3))
    assert ((kept > 0.6) & (kept < 1.5)).all()


def test_calibration_finds_the_temperature_that_was_hidden(rng: np.random.Generator) -> None:
    logits = rng.normal(0, 2, (20_000, 10)).astype(np.float32)
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (chances.cumsum(axis=1) > rng.random((20_000, 1))).argmax(axis=1).astype(np.uint8)
    assert calibrate(logits * 2, labels).temperature == pytest.approx(2, rel=0.05)


def test_top_k_accuracy_counts_the_k_likeliest() -> None:
    logits = np.array([[3, 2, 1], [3, 2, 1]], np.float32)
    labels = np.array([0, 2], np.uint8)
    assert [top_accuracy(logits, labels, k) for k in (1, 2, 3)] == [0.5, 0.5, 1.0]


@pytest.mark.parametrize("name", RECIPES)
def test_the_shipped_accuracy_is_what_the_test_set_says(name: str) -> None:
    folder = Path("data")
    if not folder.exists():
        pytest.skip("the data sets are not here (see training/data.py for their places)")
    from model.predictor import Predictor
    from training.evaluate import measure

    predictor = Predictor.load(name, device="cpu")
    found = measure(predictor, RECIPES[name].read(folder, 0).test)
    assert found["top1"] == pytest.approx(predictor.card.accuracy["top1"], abs=1e-4)


def test_missing_data_is_said_with_what_to_do(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "training", "evaluate", "digits", "--data", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"COLUMNS": "200"})
    assert done.returncode == 2
    assert "train-images" in done.stderr
    assert "--data" in done.stderr
