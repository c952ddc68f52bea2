"""The networks: a layout of numbers becomes a torch module. Reached by name from a model card."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn


class ConvNet(nn.Module):
    """3x3 convolutions in stages, halved in size between stages, averaged to 2x2, one linear layer.

    Input (n, 1, 28, 28) float32, normalised; output (n, classes) logits.
    """

    def __init__(self, stages: Sequence[Sequence[int]], classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = 1
        for number, stage in enumerate(stages):
            if number:
                layers.append(nn.MaxPool2d(2))
            for out in stage:
                layers += [nn.Conv2d(width, out, 3, padding=1, bias=False)]
                layers += [nn.BatchNorm2d(out), nn.ReLU()]
                width = out
        self.features = nn.Sequential(*layers)
        self.pool = nn.AdaptiveAvgPool2d(2)
        self.head = nn.Linear(4 * width, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits (n, classes)."""
        features: torch.Tensor = self.pool(self.features(images))
        logits: torch.Tensor = self.head(features.flatten(1))
        return logits


NETWORKS: dict[str, Callable[..., nn.Module]] = {"convnet": ConvNet}


def build(network: Mapping[str, Any]) -> nn.Module:
    """The module a card's `network` describes: its "kind" and that kind's own arguments."""
    arguments = {key: value for key, value in network.items() if key != "kind"}
    try:
        return NETWORKS[network["kind"]](**arguments)
    except KeyError as error:
        raise ValueError(f"unknown network kind {error}; known: {', '.join(NETWORKS)}") from error


def count_parameters(module: nn.Module) -> int:
    """How many numbers are learned."""
    return sum(parameter.numel() for parameter in module.parameters())


def channels_last(module: nn.Module) -> nn.Module:
    """`module` with its weights laid out for the faster convolutions and poolings."""
    return module.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]
