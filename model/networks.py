"""The networks: torch modules, built from the layout that a model card gives by kind and arguments."""

from collections.abc import Callable, Sequence

import torch
from torch import nn

from .card import NetworkLayout, classes_of
from .convolutions import ConvNet, ScreenedConvNet, ScreenInTraining


class LeNet(nn.Module):
    """Convolutions, each followed by pooling, then dense layers (after LeCun et al. 1998).

    `convolutions` are (width, kernel, padding), none for a multilayer perceptron; `hidden` the widths
    of the dense layers, each followed by `dropout` and, where `normalized`, batch normalization.
    Input (n, 1, 28, 28) float32, normalized; output (n, classes) logits.
    """

    def __init__(
        self,
        convolutions: Sequence[tuple[int, int, int]],
        hidden: Sequence[int],
        classes: int,
        dropout: float = 0.0,
        normalized: bool = False,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width, side = 1, 28
        for out, kernel, padding in convolutions:
            layers += [nn.Conv2d(width, out, kernel, padding=padding)]
            layers += [nn.BatchNorm2d(out), nn.ReLU(), nn.MaxPool2d(2)]
            width, side = out, (side + 2 * padding - kernel + 1) // 2
        layers.append(nn.Flatten())
        width *= side * side
        for out in hidden:
            layers.append(nn.Linear(width, out))
            layers += [nn.BatchNorm1d(out)] * normalized
            layers += [nn.Dropout(dropout), nn.ReLU()]
            width = out
        self.layers = nn.Sequential(*layers, nn.Linear(width, classes))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits (n, classes)."""
        logits: torch.Tensor = self.layers(images)
        return logits


class Cascade(nn.Module):
    """A cheap network reads everything, an expensive one what the cheap one is unsure of.

    Below `threshold` of calibrated confidence the answer of `first` gives way to that of `second`
    (Viola & Jones 2001; for networks: Wang et al. 2018). Each is calibrated by its own temperature,
    so the resulting logits need none. `second` may be a cascade itself.
    """

    def __init__(
        self,
        first: NetworkLayout,
        second: NetworkLayout,
        temperatures: tuple[float, float],
        threshold: float,
    ) -> None:
        super().__init__()
        self.first, self.second = build(first), build(second)
        self.temperatures, self.threshold = temperatures, threshold
        self.classes = classes_of(second)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits (n, classes), calibrated; then those of the screen of `first`, if it has one."""
        output: torch.Tensor = self.first(images)
        logits = output[:, : self.classes]
        logits /= self.temperatures[0]
        unsure = logits.softmax(1).amax(1) < self.threshold
        if unsure.any():
            logits[unsure] = self.second(images[unsure]) / self.temperatures[1]
        return output


class Ensemble(nn.Module):
    """All members read every image, and the answer is the mean of their probabilities (Hansen & Salamon
    1990), each calibrated by the member's own temperature."""

    def __init__(self, members: Sequence[NetworkLayout], temperatures: Sequence[float]) -> None:
        super().__init__()
        self.members = nn.ModuleList(build(each) for each in members)
        self.temperatures = temperatures

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits (n, classes): the logarithm of the mean, up to a constant."""
        pairs = zip(self.members, self.temperatures, strict=True)
        outputs = [(member(images) / temperature).log_softmax(1) for member, temperature in pairs]
        return torch.stack(outputs).logsumexp(0)


NETWORKS: dict[str, Callable[..., nn.Module]] = {
    "convnet": ConvNet,
    "screened": ScreenedConvNet,
    "screening": ScreenInTraining,
    "lenet": LeNet,
    "cascade": Cascade,
    "ensemble": Ensemble,
}


def build(network: NetworkLayout) -> nn.Module:
    """The module a card's `network` describes: its "kind" and that kind's own arguments."""
    arguments = {key: value for key, value in network.items() if key != "kind"}
    try:
        return NETWORKS[network["kind"]](**arguments)
    except KeyError as error:
        raise ValueError(f"unknown network kind {error}; known: {', '.join(NETWORKS)}") from error


def parts(module: nn.Module) -> tuple[nn.Module, ...]:
    """The networks of a cascade, whose parts may be cascades themselves; else `module` alone."""
    if isinstance(module, Cascade):
        return parts(module.first) + parts(module.second)
    return (module,)


def head_of(module: nn.Module) -> nn.Linear:
    """The last linear layer, which gives the logits."""
    return [layer for layer in module.modules() if isinstance(layer, nn.Linear)][-1]


def count_parameters(module: nn.Module) -> int:
    """The number of parameters, without buffers."""
    return sum(parameter.numel() for parameter in module.parameters())


def channels_last(module: nn.Module) -> nn.Module:
    """`module` with its weights laid out for the faster convolutions and poolings."""
    return module.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]
