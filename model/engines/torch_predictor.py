"""Networks run by torch: the reference for every other engine, and the way to a GPU."""

from pathlib import Path
from typing import Self

import numpy as np
import torch

from ..card import Card
from ..checkpoint import load_checkpoint, with_screen
from ..networks import channels_last, parts
from ..own_screens import read_own_screen
from .predictor import Floats, Images, Predictor, thread_count

WARM_UP_SIZES = (1, 8, 256)


def pick_device(wanted: str) -> torch.device:
    """`auto` is the first CUDA device where there is one, else the CPU."""
    if wanted == "auto":
        wanted = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(wanted)


def use_threads(threads: int) -> None:
    """Let torch compute on `threads` CPU threads from now on; 0 leaves their number as it is."""
    torch.set_num_threads(threads or torch.get_num_threads())


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return thread_count(torch.get_num_threads())


class TorchPredictor(Predictor):
    """A torch module in float32."""

    def __init__(
        self, card: Card, module: torch.nn.Module, device: str = "auto", screen: Card | None = None
    ) -> None:
        self._device = pick_device(device)
        engine = f"torch float32, {_device_name(self._device)}"
        super().__init__(card, str(self._device), engine, screen)
        self.module = channels_last(module.to(self._device)).eval()

    @classmethod
    def load(cls, name: str, folder: Path | None = None, device: str = "auto") -> Self:
        """The checkpoint `name` in `folder`, or the published one. Raises BadCard."""
        return cls(*load_checkpoint(name, folder), device)

    @classmethod
    def load_screened(cls, name: str, folder: Path | None, device: str) -> Self:
        """The checkpoint `name` in `folder`, or the published one, with its own screen, if it has one.

        Raises BadCard.
        """
        card, module = load_checkpoint(name, folder)
        own = read_own_screen(card, folder)
        return cls(card, with_screen(card, module, own), device, own.card if own else None)

    def warm_up(self) -> None:
        """Run every part of a cascade at each of WARM_UP_SIZES, which differ in their kernels."""
        for module in parts(self.module):
            for size in WARM_UP_SIZES:
                self._run(module, np.zeros((size, 28, 28), np.uint8))

    def forward(self, images: Images) -> Floats:
        """One pass of the module."""
        return self._run(self.module, images)

    @torch.inference_mode()
    def _run(self, module: torch.nn.Module, images: Images) -> Floats:
        writable = np.require(images, requirements="W")  # what torch asks for
        batch = torch.from_numpy(writable).to(self._device).unsqueeze(1)
        scaled = (batch.float() / 255 - self.card.mean) / self.card.std
        output = module(scaled.contiguous(memory_format=torch.channels_last))
        result: Floats = output.float().cpu().numpy()
        return result
