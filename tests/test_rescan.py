"""Rescans: training images that went through the service's own normaliser, every class equally often."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from model.normalization import is_glyph, to_glyph
from training import rescan as module
from training.rescan import Rescans, even_rows, rescan, rescanned, with_rescans
from training.run import Run
from training.sets.data import Set
from training.train import Trainer

from courses import drawn_digits, short


def test_a_rescan_is_a_glyph_of_the_same_character(rng: np.random.Generator) -> None:
    images = drawn_digits().train.images[:100]
    seen = rescan(images, "mnist", [1, 2])
    assert seen.shape == images.shape
    assert seen.dtype == np.uint8
    assert all(is_glyph(each) for each in seen)
    large = [cv2.resize(255 - each, (112, 112)) for each in images]
    alone = np.stack([to_glyph(np.asarray(each, np.uint8), "mnist") for each in large])
    flat, other = (each.reshape(len(each), -1).astype(float) for each in (alone, seen))
    likeness = np.corrcoef(flat, other)[:100, 100:]
    assert (likeness.diagonal() > 0.5).mean() > 0.9
    assert not (seen == images).all(axis=(1, 2)).any()


def test_rare_characters_are_shown_as_often_as_others_and_both_cases_twice() -> None:
    labels = np.array([0] * 50 + [1] * 3 + [2] * 50 + [3] * 50, np.uint8)
    data = Set(np.zeros((153, 28, 28), np.uint8), labels)
    rows = even_rows(data, "0AaO", 10, 0)
    assert np.bincount(labels[rows]).tolist() == [10, 10, 10, 20]
    assert len(set(rows[:10])) == 10
    assert set(rows[10:20]) == {50, 51, 52}


def test_a_class_without_images_is_not_shown_as_another() -> None:
    data = Set(np.zeros((3, 28, 28), np.uint8), np.array([1, 1, 3], np.uint8))
    rows = even_rows(data, "0123", 5, 0)
    assert np.bincount(data.labels[rows]).tolist() == [0, 5, 0, 5]


def test_rescans_are_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe, split = replace(short(), rescans=20), drawn_digits()
    first = rescanned(recipe, split, tmp_path)
    assert first is not None
    assert len(first.images) == 200
    monkeypatch.setattr(module, "_made", lambda *_: pytest.fail("made again"))
    again = rescanned(recipe, split, tmp_path)
    assert again is not None
    assert torch.equal(again.images, first.images)
    assert torch.equal(again.rows, first.rows)
    assert rescanned(short(), split, tmp_path) is None


def test_validation_is_of_both_kinds_where_training_is(tmp_path: Path) -> None:
    data = drawn_digits().validation
    both = with_rescans(data, replace(short(), rescans=20), tmp_path)
    assert np.array_equal(both.images[: len(data)], data.images)
    assert np.array_equal(both.labels, np.tile(data.labels, 2))
    assert with_rescans(data, short(), tmp_path) is data


def test_the_share_that_is_wanted_is_shown_with_its_own_labels(tmp_path: Path) -> None:
    recipe, split = replace(short(), rescans=20, rescanned=0.25, epochs=1), drawn_digits()
    marked = Rescans(torch.full((1, 28, 28), 7, dtype=torch.uint8), torch.tensor([5]))
    trainer = Trainer(recipe, split, None, marked)
    rng = torch.Generator().manual_seed(0)
    images, rows = marked.among(trainer.images, torch.arange(100), recipe.rescanned, rng)
    assert (images == 7).all(dim=(1, 2)).sum() == 25
    assert (rows[:25] == 5).all()
    assert torch.equal(rows[25:], torch.arange(25, 100))
    assert torch.equal(images[25:], trainer.images[25:100])
    trainer.train(Run(recipe, tmp_path))
