"""Cost: multiply-accumulates counted by hand, of layers and of a cascade that asks its second or not."""

from pathlib import Path

import numpy as np
import pytest
import torch

from model.card import Card
from model.checkpoint import save_checkpoint
from model.engines.torch_predictor import TorchPredictor
from model.networks import Cascade, LeNet, build
from training.measures.cost import MacCounter
from training.measures.evaluate import evaluate
from training.sets.catalogue import DIGITS

from small_trainings import LAYOUT, drawn_digits

FIRST = {"kind": "lenet", "classes": 10, "convolutions": [], "hidden": [16]}
FIRST_MACS = 784 * 16 + 16 * 10
SECOND_MACS = 28 * 28 * 8 * 9 + 14 * 14 * 16 * 8 * 9 + 64 * 10


def macs_of(module: torch.nn.Module, images: int = 1) -> int:
    """What `images` blank images cost."""
    with MacCounter() as counter, torch.inference_mode():
        module.eval()(torch.zeros(images, 1, 28, 28))
    return counter.macs


def test_the_smallest_student_network_by_hand() -> None:
    """Its two convolutions and two dense layers; research gives 0.046 M."""
    module = LeNet(((3, 3, 0), (3, 5, 0)), (164,), 10, 0.5)
    assert macs_of(module) == 26 * 26 * 3 * 9 + 9 * 9 * 3 * 3 * 25 + 48 * 164 + 164 * 10
    assert macs_of(module, 3) == 3 * macs_of(module)


def test_nothing_is_counted_after_the_with() -> None:
    module = build(FIRST).eval()
    with MacCounter() as counter:
        module(torch.zeros(1, 1, 28, 28))
    module(torch.zeros(1, 1, 28, 28))
    assert counter.macs == FIRST_MACS


@pytest.mark.parametrize(("threshold", "second"), [(0.0, 0), (1.1, 1)])
def test_a_cascade_costs_its_second_only_where_it_is_asked(threshold: float, second: int) -> None:
    module = Cascade(FIRST, LAYOUT, (1.0, 1.0), threshold)
    assert macs_of(module, 2) == 2 * (FIRST_MACS + second * SECOND_MACS)


def test_the_mean_over_the_images_is_what_is_reported(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = {"first": FIRST, "second": LAYOUT, "temperatures": (1.0, 1.0)}
    data = drawn_digits().test
    sure = TorchPredictor(card_of(FIRST, 0), build(FIRST), "cpu")
    confidence = sure.probabilities(data.images).max(axis=1)
    threshold = float(np.median(confidence))
    module = Cascade(**network, threshold=threshold)
    module.first.load_state_dict(sure.module.state_dict())
    card = card_of({"kind": "cascade", "threshold": threshold, **network}, 1)
    save_checkpoint(card, module, tmp_path)
    weights = tmp_path / "counted.safetensors"
    found = evaluate(TorchPredictor(card, module, "cpu"), weights, data, "drawn")
    sent = (confidence < threshold).mean()
    assert 0.3 < sent < 0.7
    assert found.cost.macs == pytest.approx(FIRST_MACS + sent * SECOND_MACS, rel=0.02)
    assert found.cost.bytes == weights.stat().st_size
    assert found.cost.parameters == sum(each.numel() for each in module.parameters())
    assert found.cost.images_per_second > 0
    assert found.cost.machine.startswith("torch float32, ")


def card_of(network: dict[str, object], parameters: int) -> Card:
    """A card for drawn digits."""
    return Card("counted", network, DIGITS, "mnist", 0.1307, 0.3081, parameters)
