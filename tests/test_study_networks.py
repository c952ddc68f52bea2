"""The networks of the study: built as their layout says, their head found, their cost counted."""

import pytest
import torch
from torch import nn

from model.networks import head_of
from training.study.trials.cost import macs
from training.study.trials.networks import build

CONVOLUTIONS = {"kind": "convolutions", "widths": [12, 16], "kernel": 5, "classes": 26}
PERCEPTRON = {"kind": "perceptron", "hidden": [32, 20], "classes": 26}


@pytest.mark.parametrize(
    "layout",
    [
        PERCEPTRON,
        PERCEPTRON | {"activation": "silu", "dropout": 0.2, "normalized": True},
        PERCEPTRON | {"hidden": []},
        CONVOLUTIONS,
        CONVOLUTIONS | {"norm": "group"},
        CONVOLUTIONS | {"norm": "none"},
        {"kind": "resnet18", "classes": 26},
        {"kind": "convnet", "stages": [[4]], "classes": 26},
    ],
)
def test_every_kind_reads_glyphs_and_has_a_head(layout: dict[str, object]) -> None:
    module = build(layout)
    assert module(torch.zeros(2, 1, 28, 28)).shape == (2, 26)
    assert head_of(module).out_features == 26


def test_layers_are_those_of_the_layout() -> None:
    kinds = [type(layer) for layer in build(PERCEPTRON | {"activation": "tanh", "normalized": True})]
    assert kinds[1:4] == [nn.Linear, nn.BatchNorm1d, nn.Tanh]
    group = [each for each in build(CONVOLUTIONS | {"norm": "group"}) if isinstance(each, nn.GroupNorm)]
    assert [each.num_groups for each in group] == [4, 8]


def test_multiplications_are_counted() -> None:
    assert macs(PERCEPTRON) == 784 * 32 + 32 * 20 + 20 * 26
    assert macs(CONVOLUTIONS) == 25 * (784 * 12 + 196 * 12 * 16) + 49 * 16 * 26
