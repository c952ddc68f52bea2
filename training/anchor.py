"""The end of a fine-tuning: weights are drawn back towards those they started from.

What lies between both reads better than either (WiSE-FT, Wortsman et al. 2022); the statistics of batch
normalisation are taken anew there, since they are no mean of those at the ends (Izmailov et al. 2018).
"""

import copy
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import nn
from torch.optim.swa_utils import update_bn

from .recipe import Recipe
from .shelf import start_from
from .state import blend

BATCHES = 32
"""So many are enough to take statistics from."""


def draw_back(
    network: nn.Module, recipe: Recipe, runs: Path, batches: Iterable[torch.Tensor]
) -> nn.Module:
    """`network` by `recipe.anchor` on the way to where it started; the head, which was new, stays.

    `batches` (n, 1, 28, 28), normalised, are what statistics are taken from.
    """
    origin = copy.deepcopy(network)
    start_from(origin, recipe.start, runs)
    blend(network, origin, 1 - recipe.anchor)
    update_bn(batches, network)
    return network
