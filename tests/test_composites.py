"""Networks made of others: a cascade asks the second only when unsure, an ensemble asks all of them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from model.card import BadCard, Card
from model.checkpoint import save_checkpoint
from model.engines.predictor import softmax
from model.engines.torch_predictor import TorchPredictor
from model.networks import Cascade, build, parts
from training.cascade import BUDGET, choose_threshold, combine
from training.cli import app
from training.ensemble import unite
from training.measures.calibration import best_temperature
from training.measures.cost import MacCounter
from training.measures.evaluate import evaluate
from training.registry import MADE_OF, load
from training.run import Run

from small_trainings import CHEAP, Pair, drawn_digits, short, trained_pair


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


def test_what_is_equally_sure_is_sent_on_or_kept_together() -> None:
    labels = np.zeros(4, np.uint8)
    first = np.array([[0.4, 0.6], [0.4, 0.6], [0.4, 0.6], [0.1, 0.9]])
    second = np.array([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.1, 0.9]])
    for tolerance, most, share in ((0.25, 1.0, 0.75), (0.0, 0.5, 0.0), (0.0, 1.0, 0.75)):
        choice = choose_threshold(first, second, labels, tolerance, most)
        sent = first.max(axis=1) < choice.threshold
        assert (choice.share, choice.accuracy) == (share, share)
        assert sent.mean() == share


@pytest.mark.parametrize("knows", [True, False])
def test_a_cascade_costs_a_quarter_of_its_dear_half_at_most(knows: bool, pair: Pair) -> None:
    validation = drawn_digits().validation
    cheap = pair[0] if knows else TorchPredictor(pair[0].card, build(CHEAP).eval(), "cpu")
    card, module, _ = combine("both", cheap, pair[1], validation)
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


def test_an_ensemble_says_the_mean_of_what_its_members_say(pair: Pair) -> None:
    card, module = unite("both", pair, drawn_digits().validation)
    images = drawn_digits().test.images
    found = softmax(TorchPredictor(card, module, "cpu").logits(images), 1.0)
    expected = sum(each.probabilities(images) for each in pair) / 2
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_an_ensemble_is_calibrated_anew(pair: Pair) -> None:
    validation = drawn_digits().validation
    card, module = unite("both", pair, validation)
    logits = TorchPredictor(card, module, "cpu").logits(validation.images)
    assert card.temperature == round(best_temperature(logits, validation.labels), 4)


def test_an_ensemble_costs_what_all_of_them_cost(pair: Pair) -> None:
    card, module = unite("both", pair, drawn_digits().validation)
    assert card.parameters == sum(each.card.parameters for each in pair)
    spent = []
    for each in (*pair, TorchPredictor(card, module, "cpu")):
        with MacCounter() as counter:
            each.logits(drawn_digits().test.images[:1])
        spent.append(counter.macs)
    assert spent[2] == spent[0] + spent[1]


@pytest.mark.parametrize("make", [combine, lambda name, *pair: unite(name, pair[:2], pair[2])])
def test_networks_of_other_labels_are_refused(pair: Pair, make: Callable[..., object]) -> None:
    stranger = TorchPredictor(replace(pair[1].card, name="letters", labels="abc"), pair[1].module, "cpu")
    with pytest.raises(BadCard, match="cheap and letters do not know the same labels"):
        make("both", pair[0], stranger, drawn_digits().validation)


def test_what_an_ensemble_with_a_cascade_in_it_costs_is_a_mean_over_the_images(
    pair: Pair, tmp_path: Path
) -> None:
    split = drawn_digits()
    inner = TorchPredictor(*combine("inner", *pair, split.validation)[:2], "cpu")
    inner.module.threshold = float(np.median(pair[0].probabilities(split.test.images).max(axis=1)))
    layout = {**inner.card.network, "threshold": inner.module.threshold}
    inner.card = replace(inner.card, network=layout)
    card, module = unite("both", (pair[1], inner), split.validation)
    save_checkpoint(card, module, tmp_path)
    found = evaluate(
        TorchPredictor(card, module, "cpu"), tmp_path / "both.safetensors", split.test, "drawn"
    )
    with MacCounter() as counter:
        TorchPredictor(card, module, "cpu").logits(split.test.images)
    assert found.cost.macs == counter.macs / len(split.test)


@pytest.mark.parametrize("make", [combine, lambda name, *pair: unite(name, pair[:2], pair[2])])
def test_nothing_that_was_measured_of_a_part_is_said_of_the_whole(
    pair: Pair, make: Callable[..., tuple[Card, object]]
) -> None:
    measured = {"accuracy": {"top1": 0.99}, "precision": "bfloat16", "ranges": {"a": 1}, "sha256": "0"}
    first, second = (
        TorchPredictor(replace(each.card, **measured), each.module, "cpu")  # type: ignore[arg-type]
        for each in pair
    )
    card, *_ = make("both", first, second, drawn_digits().validation)
    assert (card.accuracy, card.precision, card.ranges, card.sha256) == ({}, "float32", {}, "")


def test_networks_that_held_out_other_test_sets_are_refused(pair: Pair) -> None:
    stranger = TorchPredictor(replace(pair[1].card, measured_on="elsewhere"), pair[1].module, "cpu")
    with pytest.raises(
        BadCard, match=r"cheap and dear were trained with different test sets .*elsewhere"
    ):
        unite("both", (pair[0], stranger), drawn_digits().validation)


@pytest.mark.parametrize("line", [["cascade", "cheap", "dear"], ["ensemble", "cheap", "dear"]])
def test_a_name_that_is_a_path_or_of_a_trained_run_is_refused(line: list[str], tmp_path: Path) -> None:
    run = Run(short(), tmp_path)
    for name, said in (
        ("", "letters, digits"),
        ("../escaped", "letters, digits"),
        ("small", "was trained: give another --name"),
    ):
        done = CliRunner().invoke(app, [*line, "--name", name, "--runs", str(tmp_path)])
        assert done.exit_code
        assert said in " ".join(done.output.split())
    assert not (tmp_path.parent / "escaped-0").exists()
    assert not (run.folder / MADE_OF).exists()


def test_an_ensemble_of_one_is_refused(tmp_path: Path) -> None:
    for members in (["digits"], ["digits", "digits"]):
        line = ["ensemble", *members, "--name", "one", "--runs", str(tmp_path)]
        done = CliRunner().invoke(app, line)
        assert done.exit_code
        assert "two different networks" in " ".join(done.output.split())


def test_a_cascade_may_end_in_an_ensemble(pair: Pair, tmp_path: Path) -> None:
    split = drawn_digits()
    both = TorchPredictor(*unite("both", pair, split.validation), "cpu")
    card, module, _ = combine("all", pair[0], both, split.validation)
    save_checkpoint(card, module, tmp_path)
    loaded = TorchPredictor.load("all", tmp_path, "cpu")
    loaded.warm_up()
    images = split.test.images
    sure = pair[0].probabilities(images).max(axis=1) >= card.network["threshold"]
    expected = np.where(sure[:, None], pair[0].probabilities(images), both.probabilities(images))
    np.testing.assert_allclose(loaded.probabilities(images), expected, rtol=0, atol=1e-6)
