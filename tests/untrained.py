"""Networks of every kind, small and untrained, and their checkpoints."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from model.card import Card
from model.checkpoint import save_checkpoint
from model.networks import build

CONVNET = {"kind": "convnet", "stages": [[5], [8, 6], [9]], "classes": 10}
LENET = {
    "kind": "lenet",
    "classes": 10,
    "convolutions": [[3, 3, 0], [4, 5, 2]],
    "hidden": [20, 12],
    "dropout": 0.5,
}
PERCEPTRON = {"kind": "lenet", "classes": 10, "convolutions": [], "hidden": [16], "normalized": True}


def cascade(first: Mapping[str, Any], second: Mapping[str, Any], threshold: float) -> dict[str, Any]:
    """Of untrained networks, the first of which has a confidence below `threshold` in about half."""
    temperatures = {"temperatures": [0.9, 1.1], "threshold": threshold}
    return {"kind": "cascade", "first": first, "second": second, **temperatures}


def ensemble(*members: Mapping[str, Any]) -> dict[str, Any]:
    """Of untrained networks that are not equally sure of themselves."""
    temperatures = [1 + 0.2 * at for at in range(len(members))]
    return {"kind": "ensemble", "members": members, "temperatures": temperatures}


def untrained(network: Mapping[str, Any], folder: Path) -> Card:
    """A checkpoint of this layout in `folder`, its normalizations as if they had seen images."""
    torch.manual_seed(3)
    module = build(network)
    for layer in module.modules():
        if isinstance(layer, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(layer.weight, 0.5, 1.5)
            torch.nn.init.normal_(layer.bias)
            torch.nn.init.normal_(layer.running_mean)  # type: ignore[arg-type]
            torch.nn.init.uniform_(layer.running_var, 0.5, 2.0)  # type: ignore[arg-type]
    return save_checkpoint(Card("new", network, "0123456789", "mnist", 0.13, 0.31, 1), module, folder)
