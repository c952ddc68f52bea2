"""A network's own screen: every engine runs it, in the same pass, on the weights it was trained on."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from model.card import WEIGHTS, BadCard, Card
from model.checkpoint import save_checkpoint
from model.convolutions import ScreenedConvNet
from model.engines.opening import open_predictor
from model.engines.predictor import Floats, Images, Predictor, softmax
from model.flags import Flag
from model.networks import build
from model.own_screens import FOLDER, backbone, read_own_screen
from model.screen import Screen, open_screen, screen_of
from model.storage import read_checkpoint

from samples import glyphs

BACKBONE = {"kind": "convnet", "stages": [[5], [8, 6], [9]], "classes": 10}
DENSE = {"kind": "lenet", "classes": 10, "convolutions": [], "hidden": [16]}
CASCADE = {
    "kind": "cascade",
    "first": BACKBONE,
    "second": DENSE,
    "temperatures": [0.9, 1.1],
    "threshold": 0.2,
}
NETWORKS = pytest.mark.parametrize("network", [BACKBONE, CASCADE], ids=["alone", "in a cascade"])


def made(network: Mapping[str, Any], folder: Path) -> Card:
    """An untrained network in `folder`, with a screen of its own."""
    torch.manual_seed(5)
    card = Card("new", network, "0123456789", "mnist", 0.13, 0.31, 1)
    card = save_checkpoint(card, build(network), folder)
    layout = {"kind": "head", "hidden": 7, "of": card.sha256}
    screen = Card("new", layout, "1+-", "mnist", 0.13, 0.31, 1, uncertain_below=0.33)
    own = ScreenedConvNet(BACKBONE["stages"], 10, 7).screen  # type: ignore[arg-type]
    save_checkpoint(screen, own, folder / FOLDER)
    return card


@NETWORKS
def test_every_engine_says_the_same(
    network: Mapping[str, Any], tmp_path: Path, rng: np.random.Generator
) -> None:
    made(network, tmp_path)
    images = glyphs(100, rng)
    fast, slow = (open_predictor("new", tmp_path, "cpu", each) for each in ("openvino", "torch"))
    np.testing.assert_allclose(fast.outputs(images), slow.outputs(images), rtol=1e-4, atol=1e-4)
    assert fast.outputs(images[:0]).shape == (0, 13)
    assert fast.logits(images).shape == (100, 10)
    np.testing.assert_array_equal(Screen(fast).flags(images), Screen(slow).flags(images))


@NETWORKS
def test_what_is_read_does_not_depend_on_it(
    network: Mapping[str, Any], tmp_path: Path, rng: np.random.Generator
) -> None:
    made(network, tmp_path)
    images = glyphs(60, rng)
    with_screen = open_predictor("new", tmp_path, "cpu", "openvino").logits(images)
    (tmp_path / FOLDER / "new.json").unlink()
    without = open_predictor("new", tmp_path, "cpu", "openvino")
    assert without.screen is None
    np.testing.assert_allclose(with_screen, without.logits(images), rtol=0, atol=1e-5)


def test_it_costs_no_pass_of_its_own(tmp_path: Path, rng: np.random.Generator) -> None:
    made(CASCADE, tmp_path)
    predictor = open_predictor("new", tmp_path, "cpu", "openvino")
    images = glyphs(20, rng)
    outputs = predictor.outputs(images)
    expected = Screen(predictor).flags(images)

    class Tired(Predictor):
        def warm_up(self) -> None: ...

        def forward(self, images: Images) -> Floats:
            raise AssertionError("asked again")

    tired = Tired(predictor.card, "cpu", "", predictor.screen)
    np.testing.assert_array_equal(Screen(tired).flags(images, outputs), expected)
    doubtful = np.array([[0] * 10 + verdict for verdict in ([1, 0, 0], [0, 1, 0.9], [0.1, 0, 0])])
    assert predictor.screen
    tired.screen = replace(predictor.screen, uncertain_below=0.5)
    likelier = [Flag(0), Flag.SEVERAL_CHARACTERS, Flag.SEVERAL_CHARACTERS]
    assert Screen(tired).flags(images[:3], doubtful.astype(np.float32)).tolist() == likelier


def test_the_shared_one_makes_nothing_of_what_another_network_said(rng: np.random.Generator) -> None:
    shared, images = open_screen("cpu", 1), rng.integers(0, 256, (4, 28, 28), np.uint8)
    sevens = np.full((4, 10), -99, np.float32)
    sevens[:, 7] = 99
    assert shared.flags(images, sevens).any()


def test_a_screen_of_other_weights_is_left_alone_and_told_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old = made(BACKBONE, tmp_path)
    new = save_checkpoint(old, build(BACKBONE), tmp_path)
    with caplog.at_level(logging.WARNING):
        assert read_own_screen(new, tmp_path) is None
    assert "inkqueue screen new" in caplog.text
    assert read_own_screen(old, tmp_path) is not None


def test_only_convolutions_can_have_one() -> None:
    assert backbone(CASCADE) == ("first.", BACKBONE)
    with pytest.raises(BadCard, match="lenet"):
        backbone(DENSE)


@pytest.mark.parametrize("name", ["balanced", "letters", "digits"])
def test_a_shipped_one_is_of_the_shipped_network(name: str, rng: np.random.Generator) -> None:
    card, _ = read_checkpoint(name, WEIGHTS)
    own = read_own_screen(card, WEIGHTS)
    assert own
    assert own.card.parameters < 150_000
    exact, served = (
        open_predictor(name, device="cpu", engine="openvino", precision=each, threads=1)  # type: ignore[arg-type]
        for each in ("float32", "auto")
    )
    images = glyphs(300, rng)
    assert (screen_of(exact).flags(images) != screen_of(served).flags(images)).mean() < 0.01
    noise = rng.integers(0, 256, (50, 28, 28), np.uint8)
    likely = softmax(served.outputs(noise)[:, -3:], own.card.temperature)[:, 0]
    screen = screen_of(served, lambda: pytest.fail("the shared one was opened"))
    np.testing.assert_array_equal(screen.flags(noise) == 0, likely >= own.card.uncertain_below)
    assert (screen_of(served).flags(noise) == Flag.NOT_A_CHARACTER).mean() > 0.5
