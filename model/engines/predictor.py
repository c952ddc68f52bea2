"""Images in, probabilities out: what the engines that run networks have in common.

They are torch (torch_predictor) and OpenVINO (openvino_predictor); `opening` chooses between them.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from ..card import Card

Images = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Classes = npt.NDArray[np.intp]

CPU_BATCH = 256
"""Images that one thread is given at once. With more, a pass of torch takes a third longer, since its
activations no longer fit the cache; passes of OpenVINO are smaller still (see compiled)."""


class Predictor(ABC):
    """A network in memory, which `threads` threads may use at a time. `device` is cpu, cuda or cuda:1;
    `engine` tells people what runs it, in which precision, on how many threads; `screen` is the card of
    its own screen, if it has one (see own_screens)."""

    threads = 1

    def __init__(self, card: Card, device: str, engine: str, screen: Card | None = None) -> None:
        self.card, self.device, self.engine, self.screen = card, device, engine, screen

    @abstractmethod
    def warm_up(self) -> None:
        """Run once whatever is slower the first time, so that the first image is not."""

    def settle(self) -> None:
        """Wait for what is being made ready in the background: before it is, passes are not at full
        speed."""
        return None

    @abstractmethod
    def forward(self, images: Images) -> Floats:
        """One pass: (n, 28, 28) uint8, n > 0 -> `outputs`. Raises RuntimeError if it fails."""

    def outputs(self, images: Images) -> Floats:
        """(n, 28, 28) uint8, ink bright on dark -> (n, classes) float32 logits, followed by those of its
        own screen, if it has one; n may be 0."""
        step = CPU_BATCH if self.device == "cpu" else max(1, len(images))
        rows = self._forward_each([images[at : at + step] for at in range(0, len(images), step)])
        width = len(self.card.labels) + (len(self.screen.labels) if self.screen else 0)
        return np.concatenate([np.zeros((0, width), np.float32), *rows])

    def logits(self, images: Images) -> Floats:
        """The logits (n, classes) of `outputs`, without those of a screen."""
        return self.outputs(images)[:, : len(self.card.labels)]

    def _forward_each(self, parts: Sequence[Images]) -> Iterable[Floats]:
        return map(self.forward, parts)

    def probabilities(self, images: Images, allowed: Sequence[int] | None = None) -> Floats:
        """(n, classes) float32, calibrated; zero for classes that are not `allowed`."""
        return softmax(self.logits(images), self.card.temperature, allowed)


def thread_count(threads: int) -> str:
    """A number of CPU threads for people: `1 thread`, `8 threads`."""
    return "1 thread" if threads == 1 else f"{threads} threads"


def softmax(logits: Floats, temperature: float, allowed: Sequence[int] | None = None) -> Floats:
    """Calibrated probabilities (n, classes); `allowed` masks the logits, not the result (see
    charset)."""
    scaled = logits / np.float32(temperature)
    if allowed is not None:
        masked = np.full_like(scaled, -np.inf)
        masked[:, allowed] = scaled[:, allowed]
        scaled = masked
    exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    result: Floats = exponentials / exponentials.sum(axis=1, keepdims=True)
    return result


def likeliest(probabilities: Floats, k: int) -> tuple[Classes, Floats]:
    """The k likeliest classes of each of n rows, best first, as (k, n), and their probabilities; of
    equals, the lower class comes first."""
    left, every = probabilities.copy(), np.arange(len(probabilities))
    best = np.empty((k, len(left)), np.intp)
    for classes in best:  # k is small: sorting all classes would take three times as long
        left.argmax(axis=1, out=classes)
        left[every, classes] = -1
    return best, probabilities[every, best]
