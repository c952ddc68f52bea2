"""S1: the network with which other model-serving systems were measured, with random weights.

Convolutions of 32, 64 and 128 channels, then dense layers 512-6000-1200-400-47. It costs about as much
as the served network, and the same for every image.
"""

from pathlib import Path

import torch

from model.card import Card
from model.checkpoint import save_checkpoint
from model.networks import build, count_parameters
from training.sets.catalogue import BALANCED

NAME = "s1"
NETWORK = {
    "kind": "lenet",
    "convolutions": [(32, 3, 1), (64, 3, 0), (128, 3, 0)],
    "hidden": [6000, 1200, 400],
    "classes": len(BALANCED),
}


def write(folder: Path) -> None:
    """Write its card and weights to `folder`, to be served from there."""
    torch.manual_seed(0)
    module = build(NETWORK)
    parameters = count_parameters(module)
    card = Card(NAME, NETWORK, BALANCED, "emnist", 0.17, 0.33, parameters, precision="bfloat16")
    save_checkpoint(card, module, folder)
