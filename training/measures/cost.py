"""What a network costs: parameters, multiply-accumulates per image, images per second."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Cost:
    """Parameters, bytes of the weights file, multiply-accumulates per image, and speed on `machine`.

    Where images take different paths (in a cascade), `macs` is the mean over the images measured.
    """

    parameters: int
    bytes: int
    macs: float
    images_per_second: float
    machine: str


@dataclass
class Meter:
    """Multiply-accumulates counted so far."""

    macs: int = 0


@contextmanager
def metered(module: nn.Module) -> Iterator[Meter]:
    """Count the multiply-accumulates of the convolutions and linear layers of `module` in the `with`.

    Pooling, normalization and activations are left out, as is usual; biases too.
    """
    meter = Meter()

    def count(layer: nn.Module, inputs: object, output: torch.Tensor) -> None:
        meter.macs += output.numel() * _macs_of_one_output(layer)

    with ExitStack() as hooks:
        for layer in module.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                hooks.callback(layer.register_forward_hook(count).remove)
        yield meter


def _macs_of_one_output(layer: nn.Module) -> int:
    weight = layer.weight
    if not isinstance(weight, torch.Tensor):
        raise TypeError(f"{layer} has no weight")
    return weight.numel() // weight.shape[0]
