"""What a network costs: parameters, multiply-accumulates per image, images per second."""

from dataclasses import dataclass

from torch.utils.flop_counter import FlopCounterMode


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


class MacCounter(FlopCounterMode):
    """Counts the multiply-accumulates of convolutions and linear layers within its `with`.

    Pooling, normalization, activations and biases are left out, as is usual. torch counts each as two
    operations.
    """

    def __init__(self) -> None:
        super().__init__(display=False)

    @property
    def macs(self) -> int:
        """Multiply-accumulates so far."""
        return self.get_total_flops() // 2
