"""Augmentation: pure functions that keep the shape, the range and most of the ink."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from training.augment import Augmentation, add_noise, augment, blur, elastic, thicken
from training.recipes import RECIPES

from samples import glyphs

STILL = Augmentation(rotation=0, scale=0, shear=0, shift=0)
HARD = replace(Augmentation(), elastic=1.0, elastic_share=1.0, stroke=1.0, blur=1.0, noise=1.0)


@pytest.fixture
def images(rng: np.random.Generator) -> torch.Tensor:
    return torch.from_numpy(glyphs(94, rng)).unsqueeze(1).float() / 255


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("how", [Augmentation(), HARD], ids=["affine", "everything"])
def test_ink_moves_within_its_range_and_most_of_it_stays(
    how: Augmentation, images: torch.Tensor
) -> None:
    before = images.clone()
    varied = augment(images, how, generator())
    assert varied.shape == images.shape
    assert torch.equal(images, before)
    assert float(varied.min()) >= 0
    assert float(varied.max()) <= 1 + 1e-5
    assert not any(torch.equal(new, old) for new, old in zip(varied, images, strict=True))
    kept = varied.sum(dim=(1, 2, 3)) / images.sum(dim=(1, 2, 3))
    assert ((kept > 0.4) & (kept < 2.5)).all()


def test_the_same_generator_varies_alike_and_every_image_differently(images: torch.Tensor) -> None:
    assert torch.equal(augment(images, HARD, generator()), augment(images, HARD, generator()))
    copies = images[:1].expand(20, 1, 28, 28).clone()
    varied = augment(copies, Augmentation(), generator())
    assert len({each.numpy().tobytes() for each in varied}) == 20


def test_no_augmentation_is_none(images: torch.Tensor) -> None:
    torch.testing.assert_close(augment(images, STILL, generator()), images, atol=1e-5, rtol=0)


def test_a_shift_is_no_longer_than_its_limit(images: torch.Tensor) -> None:
    dot = torch.zeros(200, 1, 28, 28)
    dot[:, :, 14, 14] = 1
    varied = augment(dot, replace(STILL, shift=3.0), generator()).squeeze(1)
    rows, columns = (torch.arange(28.0) * varied.sum(dim=axis) for axis in (2, 1))
    for places in (rows, columns):
        moved = places.sum(dim=1) / varied.sum(dim=(1, 2)) - 14
        assert float(moved.abs().max()) <= 3.01
        assert float(moved.max()) > 2
        assert float(moved.min()) < -2


@pytest.mark.parametrize(("kind", "limit", "most"), [("shear", 0.3, 0.3), ("rotation", 20.0, 0.364)])
def test_a_stroke_leans_no_more_than_its_limit(kind: str, limit: float, most: float) -> None:
    stroke = torch.zeros(200, 1, 28, 28)
    stroke[:, :, 4:24, 13:15] = 1
    varied = augment(stroke, replace(STILL, **{kind: limit}), generator()).squeeze(1)
    columns = (varied * torch.arange(28.0)).sum(dim=2) / varied.sum(dim=2)
    lean = (columns[:, 20] - columns[:, 7]) / 13
    assert float(lean.abs().max()) <= most + 0.01
    assert float(lean.max()) > 0.9 * most
    assert float(lean.min()) < -0.9 * most


def test_paper_moves_in_from_outside() -> None:
    varied = augment(torch.ones(20, 1, 28, 28), replace(STILL, shift=3.0), generator())
    assert (varied.amin(dim=(1, 2, 3)) < 0.9).all()


@pytest.mark.parametrize("kind", ["stroke", "blur", "noise"])
def test_a_step_changes_its_share_of_the_images(kind: str, images: torch.Tensor) -> None:
    varied = augment(images, replace(STILL, **{kind: 0.3}), generator())
    changed = (varied - images).abs().amax(dim=(1, 2, 3)) > 1e-4
    assert 0.15 < float(changed.float().mean()) < 0.45


def test_elastic_displacements_are_smooth_and_of_their_share() -> None:
    how = replace(STILL, elastic=1.0, elastic_share=0.3)
    field = elastic(1000, how, generator()) * 14
    moved = field.abs().amax(dim=(1, 2, 3)) > 0
    assert 0.25 < float(moved.float().mean()) < 0.35
    assert 0.5 < float(field[moved].std()) < 1.2
    steps = field[moved].diff(dim=1).abs()
    assert float(steps.mean()) < 0.4  # pixels of displacement from one row to the next


def test_a_pen_grows_and_shrinks(images: torch.Tensor) -> None:
    change = thicken(images, generator()).sum(dim=(1, 2, 3)) / images.sum(dim=(1, 2, 3))
    assert float(change.max()) > 1.3
    assert float(change.min()) < 0.95


def test_blur_keeps_the_ink_and_noise_leaves_the_range(images: torch.Tensor) -> None:
    blurred = blur(images, generator())
    torch.testing.assert_close(blurred.sum(dim=(1, 2, 3)), images.sum(dim=(1, 2, 3)), rtol=0.05, atol=0)
    assert float(blurred.diff(dim=3).abs().sum()) < float(images.diff(dim=3).abs().sum())
    noisy = add_noise(images, generator())
    assert float(noisy.min()) == 0
    assert float(noisy.max()) <= 1


def test_every_recipe_augments_within_these_steps(images: torch.Tensor) -> None:
    for recipe in RECIPES.values():
        if recipe.augmentation:
            assert augment(images[:8], recipe.augmentation, generator()).shape == (8, 1, 28, 28)
