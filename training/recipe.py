"""The settings of a training run: frozen, printed, and saved with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .augment import Augmentation

Optimizer = Literal["adamw", "adam", "sgd"]
Schedule = Literal["one-cycle", "plateau", "constant"]


@dataclass(frozen=True)
class Recipe:
    """What is trained on which task, how long and how.

    An epoch is `draws` images, drawn class-balanced. `average` is the decay of the averaged weights
    (Polyak), 0 for none. With a `patience` the epoch of least validation loss is the result and the run
    ends that many epochs after it; without, the last epoch is. `start` names a network to go on from;
    the result lies part of the `way` from its weights to those that were trained (Wortsman et al. 2022).
    `teachers` are asked once for what they see in every training image; that makes up `distillation`
    of the target (Hinton et al. 2015), the label the rest. The share `scanned` of the draws are real
    scans, normalized as the service does it (see sets.scans.read_examples).
    """

    name: str
    task: str
    network: Mapping[str, Any]
    epochs: int
    draws: int
    batch: int = 256
    optimizer: Optimizer = "adamw"
    schedule: Schedule = "one-cycle"
    learning_rate: float = 6e-3
    weight_decay: float = 0.02
    label_smoothing: float = 0.05
    average: float = 0.998
    augmentation: Augmentation | None = field(default_factory=Augmentation)
    patience: int = 0
    start: str = ""
    way: float = 1.0
    teachers: tuple[str, ...] = ()
    distillation: float = 0.7
    scanned: float = 0.0
    seed: int = 0

    @property
    def networks(self) -> list[str]:
        """What must have been trained before: the start, if any, and the teachers."""
        return [each for each in (self.start, *self.teachers) if each]

    @property
    def steps(self) -> int:
        """Batches in an epoch."""
        return max(1, self.draws // self.batch)
