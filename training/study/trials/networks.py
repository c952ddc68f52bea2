"""The networks of the study: a trial's layout becomes a torch module, ready to be trained.

All take (n, 1, 28, 28) float32, normalized, and give (n, classes) logits.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from math import gcd
from pathlib import Path
from typing import Any

import torch
from torch import nn

from model import networks
from model.networks import head_of

from ...measures.cost import metered
from ...registry import start_from
from .resnet import ResNet18, load_imagenet
from .trial import Trial

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}

SIDE = 28
GROUPS = 8


def perceptron(
    hidden: Sequence[int],
    classes: int,
    activation: str = "relu",
    dropout: float = 0.0,
    normalized: bool = False,
) -> nn.Module:
    """Dense layers of the widths `hidden`, each with an activation and, if wanted, batch normalization
    and dropout."""
    layers: list[nn.Module] = [nn.Flatten()]
    width = SIDE * SIDE
    for out in hidden:
        layers.append(nn.Linear(width, out, bias=not normalized))
        layers += [nn.BatchNorm1d(out)] if normalized else []
        layers.append(ACTIVATIONS[activation]())
        layers += [nn.Dropout(dropout)] if dropout else []
        width = out
    return nn.Sequential(*layers, nn.Linear(width, classes))


def convolutions(widths: Sequence[int], kernel: int, classes: int, norm: str = "batch") -> nn.Module:
    """For each width a convolution (same padding), norm, ReLU, 2x2 max pooling; one linear layer."""
    layers: list[nn.Module] = []
    width, side = 1, SIDE
    for out in widths:
        layers.append(nn.Conv2d(width, out, kernel, padding="same", bias=norm == "none"))
        layers += [*_norm(norm, out), nn.ReLU(), nn.MaxPool2d(2)]
        width, side = out, side // 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(width * side * side, classes))


def _norm(norm: str, width: int) -> list[nn.Module]:
    """GroupNorm (Wu & He 2018) has GROUPS groups, or fewer that divide `width`."""
    if norm == "none":
        return []
    return [nn.BatchNorm2d(width) if norm == "batch" else nn.GroupNorm(gcd(GROUPS, width), width)]


KINDS: dict[str, Callable[..., nn.Module]] = {
    "perceptron": perceptron,
    "convolutions": convolutions,
    "resnet18": ResNet18,
}


def build(layout: Mapping[str, Any]) -> nn.Module:
    """The module of a trial's `network`; layouts of model.networks are known too.

    Raises ValueError if there is no such kind.
    """
    if layout["kind"] not in KINDS:
        return networks.build(layout)
    arguments = {key: value for key, value in layout.items() if key != "kind"}
    return KINDS[layout["kind"]](**arguments)


def macs(layout: Mapping[str, Any]) -> int:
    """The multiply-accumulates of one image; nothing is computed."""
    return _macs(json.dumps(layout))


@cache
def _macs(layout: str) -> int:
    """Cached, since the driver of a study asks for the same again and again."""
    with torch.device("meta"), torch.no_grad():
        module = build(json.loads(layout)).eval()
        with metered(module) as meter:
            module(torch.zeros(1, 1, SIDE, SIDE))
    return meter.macs


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
