"""Convolutional networks, alone or with a screen of their own; `networks` builds them from a card."""

from collections.abc import Sequence
from typing import Self

import torch
from torch import nn


class ConvNet(nn.Module):
    """3x3 convolutions in stages, pooling between the stages, averaging to 2x2, one linear layer.

    Input (n, 1, 28, 28) float32, normalized; output (n, classes) logits.
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

    def levels(self, images: torch.Tensor) -> list[torch.Tensor]:
        """The features of each stage, averaged to 2x2: (n, 4 * width)."""
        found: list[torch.Tensor] = []
        for layer in self.features:
            images = layer(images)
            if isinstance(layer, nn.MaxPool2d):
                found.append(self.pool(images).flatten(1))
        return [*found, self.pool(images).flatten(1)]


class ScreenedConvNet(ConvNet):
    """A convolutional network and its screen, an MLP of `hidden` units on the features of all stages.

    Output (n, classes + 3): the logits of the network, then those of the screen (see model.screen).
    """

    def __init__(self, stages: Sequence[Sequence[int]], classes: int, hidden: int) -> None:
        super().__init__(stages, classes)
        width = 4 * sum(stage[-1] for stage in stages)
        self.screen = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, 3))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits (n, classes + 3)."""
        levels = self.levels(images)
        return torch.cat([self.head(levels[-1]), self.screen(torch.cat(levels, 1))], 1)


class ScreenInTraining(ScreenedConvNet):
    """A ScreenedConvNet while its screen is trained: all else is frozen; the output is the screen's."""

    def __init__(self, stages: Sequence[Sequence[int]], classes: int, hidden: int) -> None:
        super().__init__(stages, classes, hidden)
        for frozen in (self.features, self.head):
            frozen.requires_grad_(False)

    def train(self, mode: bool = True) -> Self:
        """Set the mode of training; the frozen layers keep their batch statistics."""
        super().train(mode)
        self.features.eval()
        return self

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits (n, 3)."""
        verdicts: torch.Tensor = self.screen(torch.cat(self.levels(images), 1))
        return verdicts
