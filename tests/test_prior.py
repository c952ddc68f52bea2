"""Priors: a letter of both cases counts as two characters, as far as one wants."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from model.networks import Ensemble, build, head_of, parts
from training.prior import characters, shift_priors
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
    shift_priors(network, BALANCED, 1.25, way)
    after = (network(images) / 1.25).softmax(1).detach()
    ring, zero = BALANCED.index("O"), BALANCED.index("0")
    odds = (after[:, ring] / after[:, zero]) / (before[:, ring] / before[:, zero])
    np.testing.assert_allclose(odds, 2**way, rtol=1e-4)
    same = after[:, BALANCED.index("A")] / after[:, zero]
    np.testing.assert_allclose(same, before[:, BALANCED.index("A")] / before[:, zero], rtol=1e-4)


def test_the_priors_of_an_ensemble_are_shifted_in_every_member() -> None:
    layout = {"kind": "convnet", "stages": [[4]], "classes": 47}
    network = build({"kind": "ensemble", "members": [layout] * 2, "temperatures": [0.8, 1.1]}).eval()
    images = torch.rand(8, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    before = [(member(images) / at).detach() for member, at in zip(*_members(network), strict=True)]
    shift_priors(network, BALANCED, 1.25, 1.0)
    after = [(member(images) / at).detach() for member, at in zip(*_members(network), strict=True)]
    for old, new in zip(before, after, strict=True):
        moved = (new - old)[:, BALANCED.index("O")] - (new - old)[:, BALANCED.index("0")]
        np.testing.assert_allclose(moved, 1.25 * np.log(2), rtol=1e-4)


def test_the_priors_of_a_cascade_are_shifted_in_both_halves_whatever_they_are() -> None:
    layout = {"kind": "convnet", "stages": [[4]], "classes": 47}
    inner = {"kind": "cascade", "first": layout, "second": layout, "temperatures": [0.8, 1.1]}
    outer = {"kind": "cascade", "first": layout, "second": {**inner, "threshold": 0.5}}
    network = build({**outer, "temperatures": [0.9, 1.0], "threshold": 0.5}).eval()
    heads = [head_of(part) for part in parts(network)]
    before = [head.bias.detach().clone() for head in heads]
    shift_priors(network, BALANCED, 1.0, 1.0)
    ring = BALANCED.index("O")
    moved = [
        float(head.bias.detach()[ring] - old[ring]) for head, old in zip(heads, before, strict=True)
    ]
    np.testing.assert_allclose(moved, np.array([0.9, 0.8, 1.1]) * np.log(2), rtol=1e-4)


def _members(network: Ensemble) -> tuple[torch.nn.ModuleList, Sequence[float]]:
    return network.members, network.temperatures
