"""The networks, their checkpoints and cards, and the predictor that runs them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model.card import WEIGHTS, BadCard, Card, read_card, read_cards
from model.charset import BadCharset, allowed_classes
from model.checkpoint import load_checkpoint, save_checkpoint
from model.engines.predictor import softmax
from model.engines.torch_predictor import TorchPredictor, pick_device
from model.networks import build, count_parameters
from training.recipe import Recipe
from training.recipes import LADDER, RECIPES
from training.sets.tasks import TASKS

from samples import LABELS, glyphs

LAYOUT = {"kind": "convnet", "stages": [[4], [6, 8]], "classes": 10}


@pytest.fixture
def card() -> Card:
    """Of a small untrained network."""
    return Card("small", LAYOUT, "0123456789", "mnist", 0.13, 0.31, 1)


def test_shipped_checkpoints_are_small_whole_and_measured() -> None:
    cards = read_cards(WEIGHTS)
    assert {"balanced", "digits"} <= set(cards)
    for name, card in cards.items():
        loaded, module = load_checkpoint(name, WEIGHTS)
        assert loaded == card
        assert count_parameters(module) == card.parameters
        assert module(torch.zeros(1, 1, 28, 28)).shape == (1, len(set(card.labels)))
    assert cards["balanced"].labels == LABELS


def test_a_checkpoint_comes_back_as_it_was(card: Card, tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = build(card.network).eval()
    written = save_checkpoint(card, module, tmp_path)
    loaded, again = load_checkpoint("small", tmp_path)
    assert loaded == written
    images = torch.rand(3, 1, 28, 28)
    torch.testing.assert_close(again(images), module(images), rtol=0, atol=0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small.json", "small.safetensors"]


def test_weights_that_are_not_the_cards_are_refused(card: Card, tmp_path: Path) -> None:
    save_checkpoint(card, build(card.network), tmp_path)
    path = tmp_path / "small.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(BadCard, match="sha256"):
        load_checkpoint("small", tmp_path)


def test_the_folder_of_a_run_may_be_served(card: Card, tmp_path: Path) -> None:
    save_checkpoint(card, build(card.network), tmp_path)
    for name in ("metrics", "origin", "settings"):
        (tmp_path / f"{name}.json").write_text('{"epochs": []}')
    assert list(read_cards(tmp_path)) == ["small"]


def test_missing_and_broken_cards_name_their_file(tmp_path: Path) -> None:
    with pytest.raises(BadCard, match="no model card"):
        read_cards(tmp_path)
    (tmp_path / "a.json").write_text(json.dumps({"name": "a", "unknown": 1}))
    with pytest.raises(BadCard, match=r"a\.json"):
        read_card(tmp_path / "a.json")


EARLIER = [
    # Conv(1,3,3)-Conv(3,3,5)-48-164-10, the count its author states
    ("digits-nano", 9_956),
    # 784*256+256 + 256*128+128 + 128*10+10
    ("digits-mlp-plain", 235_146),
    # the same with batch normalization, two numbers for each of 384 neurons
    ("digits-mlp", 235_914),
    # 512-6000-1200-400-47 behind convolutions of 32, 64 and 128
    ("balanced-wide", 10_871_567),
]


@pytest.mark.parametrize(("name", "parameters"), EARLIER)
def test_networks_of_earlier_projects_have_their_parameters(name: str, parameters: int) -> None:
    assert count_parameters(build(RECIPES[name].network)) == parameters


LIMITS = {"nano": 10_000, "small": 220_000, "base": 600_000, "large": 4_000_000}


@pytest.mark.parametrize("recipe", LADDER, ids=lambda recipe: recipe.name)
def test_the_ladder_keeps_to_its_sizes_and_reads_glyphs(recipe: Recipe) -> None:
    module = build(recipe.network).eval()
    assert count_parameters(module) <= LIMITS[recipe.name.split("-")[0]]
    assert module(torch.zeros(2, 1, 28, 28)).shape == (2, len(TASKS[recipe.task].labels))


def test_an_unknown_network_is_named() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        build({"kind": "nonsense"})


def test_predictions_do_not_depend_on_the_batch(rng: np.random.Generator) -> None:
    predictor = TorchPredictor.load("balanced", device="cpu")
    images = glyphs(64, rng)
    together = predictor.probabilities(images)
    alone = np.concatenate([predictor.probabilities(images[i : i + 1]) for i in range(len(images))])
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-6)


def test_the_predictor_is_the_network_on_normalized_pixels(rng: np.random.Generator) -> None:
    card, module = load_checkpoint("digits")
    images = glyphs(10, rng)
    with torch.inference_mode():
        batch = torch.from_numpy(images).unsqueeze(1).float() / 255
        direct = (module((batch - card.mean) / card.std) / card.temperature).softmax(1).numpy()
    found = TorchPredictor.load("digits", device="cpu").probabilities(images)
    np.testing.assert_allclose(found, direct, rtol=0, atol=1e-6)


def test_drawn_digits_are_mostly_read(rng: np.random.Generator) -> None:
    images = glyphs(470, rng)
    classes = np.arange(470) % 47
    digits = classes < 10
    found = TorchPredictor.load("balanced", device="cpu").probabilities(images[digits], range(10))
    assert (found.argmax(axis=1) == classes[digits]).mean() > 0.8


def test_softmax_masks_and_calibrates() -> None:
    logits = np.array([[2.0, 1.0, 0.0]], np.float32)
    plain, masked = softmax(logits, 1.0), softmax(logits, 1.0, [1, 2])
    assert plain.sum() == pytest.approx(1)
    assert masked[0, 0] == 0
    assert masked[0, 1] == pytest.approx(1 / (1 + np.exp(-1)))
    assert softmax(logits, 10.0).max() < plain.max()


def test_charsets_are_cut_to_the_model_or_refused() -> None:
    assert "".join(LABELS[i] for i in allowed_classes("lower", LABELS)) == "abdefghnqrt"
    assert allowed_classes("7A", LABELS) == [7, 10]
    with pytest.raises(BadCharset, match="'!'"):
        allowed_classes("7!", LABELS)
    with pytest.raises(BadCharset):
        allowed_classes("letters", "0123456789")


def test_the_device_is_chosen_or_told() -> None:
    assert pick_device("cpu").type == "cpu"
    assert pick_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_a_card_with_another_temperature_keeps_its_labels(rng: np.random.Generator) -> None:
    card, module = load_checkpoint("digits")
    hot = TorchPredictor(replace(card, temperature=5.0), module, "cpu")
    cold = TorchPredictor(card, module, "cpu")
    images = glyphs(20, rng)
    same = hot.probabilities(images).argmax(axis=1) == cold.probabilities(images).argmax(axis=1)
    assert same.all()
