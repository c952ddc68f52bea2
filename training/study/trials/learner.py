"""A trial's network as a learner: how it begins, what of it is frozen, in which precision it runs."""

from pathlib import Path

import torch
from torch import nn

from model.networks import head_of

from ...registry import start_from
from .networks import build
from .resnet import ResNet18, load_imagenet
from .trial import Trial


def newborn(trial: Trial, runs: Path) -> nn.Module:
    """The network of `trial` before its first batch: drawn by its seed, its start loaded, frozen if
    wanted.

    The `start` is looked for in `runs` too. Raises BadCard.
    """
    torch.manual_seed(trial.seed)
    module = build(trial.network)
    if trial.start and isinstance(module, ResNet18):
        load_imagenet(module, Path(trial.start))
    elif trial.start:
        start_from(module, trial.start, runs)
    if trial.frozen:
        module.requires_grad_(False)
        head_of(module).requires_grad_(True)
    return module


def learning(module: nn.Module, trial: Trial) -> None:
    """Put `module` in training mode, except its frozen part, whose statistics must not change either."""
    module.train(not trial.frozen)
    head_of(module).train()


def mixed(trial: Trial) -> bool:
    """Whether `trial` runs under bfloat16 autocast, as in `training.train`.

    ResNet-18 is 1.6 times as fast that way. The study's own small networks stay in float32: GroupNorm
    is slower in bfloat16, and norms are compared in the same precision.
    """
    return trial.network["kind"] not in ("perceptron", "convolutions")
