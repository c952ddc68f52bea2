"""Images in, probabilities out: the one way every network is run, for serving and for measuring."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from .card import Card
from .checkpoint import load_checkpoint
from .networks import channels_last, parts

Images = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

WARM_UP_SIZES = (1, 8, 256)
CPU_BATCH = 256
"""Beyond this many images the activations leave the cache, and a pass is slower by a third."""


def pick_device(wanted: str = "auto") -> torch.device:
    """`auto` is the first CUDA device where there is one, else the CPU."""
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(wanted)


class Predictor:
    """A network in memory. `logits` and `probabilities` may be called from one thread at a time."""

    def __init__(self, card: Card, module: torch.nn.Module, device: str = "auto") -> None:
        self.card = card
        self.device = pick_device(device)
        self.module = channels_last(module.to(self.device)).eval()

    @classmethod
    def load(cls, name: str, folder: Path | None = None, device: str = "auto") -> "Predictor":
        """The published network `name`. Raises BadCard."""
        return cls(*load_checkpoint(name, folder), device)

    def warm_up(self) -> None:
        """Run once at every size of kernel that will be met, so that the first image is no slower."""
        for module in parts(self.module):
            for size in WARM_UP_SIZES:
                self._forward(module, np.zeros((size, 28, 28), np.uint8))

    def logits(self, images: Images) -> Floats:
        """(n, 28, 28) uint8, ink bright on dark -> (n, classes) float32; n may be 0."""
        step = CPU_BATCH if self.device.type == "cpu" else max(1, len(images))
        rows = [self._forward(self.module, images[at : at + step]) for at in range(0, len(images), step)]
        return np.concatenate([np.zeros((0, len(self.card.labels)), np.float32), *rows])

    @torch.inference_mode()
    def _forward(self, module: torch.nn.Module, images: Images) -> Floats:
        writable = np.require(images, requirements="W")  # what torch asks for
        batch = torch.from_numpy(writable).to(self.device).unsqueeze(1)
        scaled = (batch.float() / 255 - self.card.mean) / self.card.std
        output = module(scaled.contiguous(memory_format=torch.channels_last))
        result: Floats = output.float().cpu().numpy()
        return result

    def probabilities(self, images: Images, allowed: Sequence[int] | None = None) -> Floats:
        """(n, classes) float32, calibrated; zero for classes that are not `allowed`."""
        return softmax(self.logits(images), self.card.temperature, allowed)


def softmax(logits: Floats, temperature: float, allowed: Sequence[int] | None = None) -> Floats:
    """Calibrated probabilities (n, classes); a mask takes part before, not after (see charset)."""
    scaled = logits / np.float32(temperature)
    if allowed is not None:
        masked = np.full_like(scaled, -np.inf)
        masked[:, allowed] = scaled[:, allowed]
        scaled = masked
    exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    result: Floats = exponentials / exponentials.sum(axis=1, keepdims=True)
    return result
