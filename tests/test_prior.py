"""Priors: a letter of both cases counts as two characters, as far as one wants."""

import numpy as np
import pytest
import torch

from model.networks import build
from training.prior import characters, favour
from training.sets.catalogue import BALANCED, DIGITS


def test_letters_without_a_small_class_are_two_characters() -> None:
    twice = [label for label in BALANCED if characters(label, BALANCED) == 2]
    assert "".join(twice) == "CIJKLMOPSUVWXYZ"
    assert all(characters(label, DIGITS) == 1 for label in DIGITS)


@pytest.mark.parametrize("way", [0.0, 0.5, 1.0])
def test_calibrated_odds_move_by_the_ratio_of_priors(way: float) -> None:
    network = build({"kind": "convnet", "stages": [[4]], "classes": 47}).eval()
    images = torch.rand(8, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    before = (network(images) / 1.25).softmax(1).detach()
    favour(network, BALANCED, 1.25, way)
    after = (network(images) / 1.25).softmax(1).detach()
    ring, zero = BALANCED.index("O"), BALANCED.index("0")
    odds = (after[:, ring] / after[:, zero]) / (before[:, ring] / before[:, zero])
    np.testing.assert_allclose(odds, 2**way, rtol=1e-4)
    same = after[:, BALANCED.index("A")] / after[:, zero]
    np.testing.assert_allclose(same, before[:, BALANCED.index("A")] / before[:, zero], rtol=1e-4)
