"""The sizes of convolutional networks that are compared, and the results for the chapter."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

from ..rounds import Outcomes

DEPTHS = (1, 2, 3)
WIDTHS = (8, 16, 32)
"""Channels of the first layer; each further layer has twice as many as the one before."""
KERNEL = 3
"""The kernel at which widths are compared."""
WIDE_KERNELS = (5, 7)
WIDTH = 16
"""The width at which kernels are compared."""

RATE = 6e-3
OTHER_RATES = (2e-3, 1.8e-2)
"""The learning rate of every comparison, and those tried beside it for one network of each depth."""


class Size(NamedTuple):
    """The number of layers, the channels of the first, and the side of the kernel."""

    layers: int
    width: int
    kernel: int

    def __str__(self) -> str:
        plural = "s" if self.layers > 1 else ""
        channels = "-".join(str(each) for each in self.widths)
        return f"{self.layers} layer{plural} of {channels}, kernel {self.kernel}"

    @property
    def widths(self) -> list[int]:
        """Channels by layer."""
        return [self.width << layer for layer in range(self.layers)]

    def layout(self, classes: int) -> dict[str, Any]:
        """The layout that networks.build takes."""
        return {
            "kind": "convolutions",
            "widths": self.widths,
            "kernel": self.kernel,
            "classes": classes,
            "norm": "batch",
        }


def sizes() -> list[Size]:
    """Every size that is compared."""
    narrow = [Size(layers, width, KERNEL) for layers, width in product(DEPTHS, WIDTHS)]
    return narrow + [Size(layers, WIDTH, kernel) for kernel, layers in product(WIDE_KERNELS, DEPTHS)]


@dataclass(frozen=True)
class Comparison:
    """`compared` by size, all at RATE; `checked` by size and rate; `confirmed` the best of each depth.

    `rates` are those of the confirmation, by depth.
    """

    compared: Outcomes[Size]
    checked: Outcomes[tuple[Size, float]]
    rates: Mapping[int, float]
    confirmed: Outcomes[Size]

    def macs(self, size: Size) -> int:
        """Multiply-accumulates of one image."""
        return self.compared[size][0].macs
