"""The networks of the study: a trial's layout becomes a torch module.

All take (n, 1, 28, 28) float32, as `glyphs.scaled` gives them, and give (n, classes) logits.
"""

from collections.abc import Callable, Mapping, Sequence
from math import gcd
from typing import Any

from torch import nn

from model import networks

from .resnet import ResNet18

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
