"""The ensemble: all of its members are asked, each calibrated, and the mean of what they say holds."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from model.card import BadCard, Card
from model.checkpoint import save_checkpoint
from model.engines.predictor import softmax
from model.engines.torch_predictor import TorchPredictor
from training.cascade import combine
from training.cli import app
from training.ensemble import unite
from training.measures.calibration import best_temperature
from training.measures.cost import MacCounter
from training.measures.evaluate import evaluate
from training.registry import SETTINGS
from training.run import Run

from small_trainings import Pair, drawn_digits, short, trained_pair


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return trained_pair(tmp_path_factory.mktemp("runs"))


def test_it_says_the_mean_of_what_its_members_say(pair: Pair) -> None:
    card, module = unite("both", pair, drawn_digits().validation)
    images = drawn_digits().test.images
    found = softmax(TorchPredictor(card, module, "cpu").logits(images), 1.0)
    expected = sum(each.probabilities(images) for each in pair) / 2
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_it_is_calibrated_anew(pair: Pair) -> None:
    validation = drawn_digits().validation
    card, module = unite("both", pair, validation)
    logits = TorchPredictor(card, module, "cpu").logits(validation.images)
    assert card.temperature == round(best_temperature(logits, validation.labels), 4)


def test_it_costs_what_all_of_them_cost(pair: Pair) -> None:
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
    measured = {"accuracy": {"top1": 0.99}, "precision": "bfloat16", "sha256": "0"}
    first, second = (
        TorchPredictor(replace(each.card, **measured), each.module, "cpu")  # type: ignore[arg-type]
        for each in pair
    )
    card, *_ = make("both", first, second, drawn_digits().validation)
    assert (card.accuracy, card.precision, card.sha256) == ({}, "float32", "")


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
    assert [path.name for path in run.folder.iterdir()] == [SETTINGS]


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
