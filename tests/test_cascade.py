"""The cascade: what is sure stays with the cheap network, the rest goes to the expensive one."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model.card import BadCard, Card
from model.checkpoint import save_checkpoint
from model.engines.torch_predictor import TorchPredictor
from model.networks import Cascade, build, parts
from training.cascade import BUDGET, choose_threshold, combine
from training.measures.cost import MacCounter
from training.registry import load

from small_trainings import CHEAP, Pair, drawn_digits, trained_pair


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return trained_pair(tmp_path_factory.mktemp("runs"))


def test_every_answer_is_that_of_the_network_in_charge(
    pair: Pair,
) -> None:
    cheap, dear = pair
    card, module, choice = combine("both", cheap, dear, drawn_digits().validation)
    images = drawn_digits().test.images
    first, second = cheap.probabilities(images), dear.probabilities(images)
    unsure = first.max(axis=1) < card.network["threshold"]
    found = TorchPredictor(card, module, "cpu").probabilities(images)
    np.testing.assert_allclose(found, np.where(unsure[:, None], second, first), rtol=0, atol=1e-6)
    assert 0 <= choice.share <= 1


def test_the_ends_of_the_threshold_are_the_two_networks(
    pair: Pair,
) -> None:
    card, module, _ = combine("both", *pair, drawn_digits().validation)
    assert isinstance(module, Cascade)
    images = drawn_digits().test.images
    for threshold, alone in ((0.0, pair[0]), (1.1, pair[1])):
        module.threshold = threshold
        found = TorchPredictor(card, module, "cpu").probabilities(images)
        np.testing.assert_allclose(found, alone.probabilities(images), rtol=0, atol=1e-6)


def test_a_cascade_is_saved_and_served_like_any_network(pair: Pair, tmp_path: Path) -> None:
    card, module, _ = combine("both", *pair, drawn_digits().validation)
    save_checkpoint(card, module, tmp_path)
    images = drawn_digits().test.images
    loaded = TorchPredictor.load("both", tmp_path, "cpu")
    loaded.warm_up()
    expected = TorchPredictor(card, module, "cpu").logits(images)
    np.testing.assert_array_equal(loaded.logits(images), expected)
    assert loaded.logits(images[:0]).shape == (0, 10)


def test_a_cascade_may_end_in_another(pair: Pair, tmp_path: Path) -> None:
    split = drawn_digits()
    card, module, _ = combine("two", *pair, split.validation)
    module.threshold = 1.1  # so that it costs what a cascade may begin with
    two = TorchPredictor(replace(card, network={**card.network, "threshold": 1.1}), module, "cpu")
    card, module, _ = combine("three", pair[0], two, split.validation)
    save_checkpoint(card, module, tmp_path)
    three = TorchPredictor.load("three", tmp_path, "cpu")
    three.warm_up()
    assert [type(part).__name__ for part in parts(three.module)] == ["LeNet", "LeNet", "ConvNet"]
    images = split.test.images
    sure = pair[0].probabilities(images).max(axis=1) >= card.network["threshold"]
    expected = np.where(sure[:, None], pair[0].probabilities(images), two.probabilities(images))
    np.testing.assert_allclose(three.probabilities(images), expected, rtol=0, atol=1e-6)


def test_the_threshold_is_the_cheapest_that_is_good_enough() -> None:
    labels = np.zeros(4, np.uint8)
    first = np.array([[0.4, 0.6], [0.45, 0.55], [0.8, 0.2], [0.1, 0.9]])
    second = np.array([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.1, 0.9]])
    choice = choose_threshold(first, second, labels, tolerance=0.0)
    assert choice.share == 0.5  # the two least sure go on; the two others gain nothing
    assert choice.accuracy == 0.75
    assert 0.6 < choice.threshold <= 0.8
    assert choose_threshold(first, second, labels, tolerance=1.0).share == 0.0


def test_no_more_is_asked_than_the_budget_allows() -> None:
    labels = np.zeros(4, np.uint8)
    first = np.array([[0.4, 0.6], [0.35, 0.65], [0.3, 0.7], [0.9, 0.1]])
    second = np.array([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.9, 0.1]])
    assert choose_threshold(first, second, labels, tolerance=0.0).share == 0.75
    choice = choose_threshold(first, second, labels, tolerance=0.0, most=0.5)
    assert (choice.share, choice.accuracy) == (0.5, 0.75)
    assert choose_threshold(first, second, labels, tolerance=0.0, most=0.0).share == 0.0


def test_a_cascade_costs_a_quarter_of_its_dear_half_at_most(pair: Pair) -> None:
    validation = drawn_digits().validation
    card, module, _ = combine("both", *pair, validation)
    costs = []
    for predictor in (TorchPredictor(card, module, "cpu"), pair[1]):
        with MacCounter() as counter:
            predictor.logits(validation.images)
        costs.append(counter.macs)
    assert costs[0] <= BUDGET * costs[1]


def test_a_first_network_that_costs_as_much_as_the_second_is_refused(pair: Pair) -> None:
    with pytest.raises(BadCard, match="dear alone costs 100% of dear"):
        combine("both", pair[1], pair[1], drawn_digits().validation)


def test_a_dear_network_that_is_no_better_is_never_asked() -> None:
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4]])
    assert choose_threshold(probabilities, probabilities, np.zeros(2, np.uint8)).share == 0.0


def test_the_dear_network_is_warm_too() -> None:
    """Else the first image that is unsure would wait for it."""
    layout = {
        "kind": "cascade",
        "first": CHEAP,
        "second": CHEAP,
        "temperatures": [1, 1],
        "threshold": 0.9,
    }
    card = Card("both", layout, "0123456789", "mnist", 0.13, 0.31, 1)
    torch.manual_seed(0)
    module = build(layout)
    asked: list[int] = []
    module.second.register_forward_hook(lambda *call: asked.append(len(call[1][0])))
    predictor = TorchPredictor(card, module, "cpu")
    predictor.warm_up()
    assert asked


def test_each_half_is_opened_by_name(pair: Pair, tmp_path: Path) -> None:
    card, module, _ = combine("both", *pair, drawn_digits().validation)
    save_checkpoint(card, module, tmp_path / "both-0")
    images = drawn_digits().test.images
    for half, alone in zip(("first", "second"), pair, strict=True):
        found = TorchPredictor(*load(f"both/{half}", tmp_path), "cpu")
        assert found.card.name == f"both/{half}"
        np.testing.assert_array_equal(found.probabilities(images), alone.probabilities(images))
    save_checkpoint(pair[0].card, pair[0].module, tmp_path / "cheap-0")
    with pytest.raises(BadCard, match="cheap is no cascade: there is no 'cheap/second'"):
        load("cheap/second", tmp_path)
    save_checkpoint(card, module, tmp_path / "first-0")
    assert load("first", tmp_path)[0].name == "both"
