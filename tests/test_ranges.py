"""The ranges by which int8 scales: the greatest inputs of inner layers, of every network within."""

from pathlib import Path

import numpy as np
import pytest
import torch

from model.checkpoint import load_checkpoint
from model.networks import Cascade, build
from training.ranges import input_ranges
from training.sets.data import Set

from samples import glyphs
from untrained import CONVNET, LENET, PERCEPTRON, cascade, ensemble, untrained


@pytest.fixture
def data(rng: np.random.Generator) -> Set:
    return Set(glyphs(300, rng), np.zeros(300, np.int64))


def test_a_range_is_the_greatest_input_of_its_layer(tmp_path: Path, data: Set) -> None:
    card = untrained(CONVNET, tmp_path)
    _, network = load_checkpoint("new", tmp_path)
    found = input_ranges(card, network, data)
    scaled = (torch.from_numpy(data.images).unsqueeze(1).float() / 255 - card.mean) / card.std
    with torch.inference_mode():
        for name, most in found.items():
            before = network.eval().features[: int(name.removeprefix("features."))]  # type: ignore[index, union-attr]
            assert most == pytest.approx(before(scaled).max().item(), abs=1e-3)
    assert list(found) == ["features.7", "features.11"]


@pytest.mark.parametrize(
    "network", [cascade(LENET, CONVNET, 0.13), ensemble(LENET, CONVNET, PERCEPTRON)]
)
def test_convolutional_networks_within_have_theirs_from_all_images(
    network: dict[str, object], tmp_path: Path, data: Set
) -> None:
    card = untrained(network, tmp_path)
    _, whole = load_checkpoint("new", tmp_path)
    found = input_ranges(card, whole, data)
    start = "second." if isinstance(whole, Cascade) else "members.1."
    alone = input_ranges(card, whole.get_submodule(start[:-1]), data)
    assert list(found) == [f"{start}features.7", f"{start}features.11"]
    assert list(found.values()) == list(alone.values())


def test_dense_networks_have_none(tmp_path: Path, data: Set) -> None:
    assert input_ranges(untrained(PERCEPTRON, tmp_path), build(PERCEPTRON), data) == {}
