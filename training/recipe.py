"""The settings of a training run: frozen, printed, and saved with it."""

from dataclasses import dataclass, field
from typing import Literal

from model.card import NetworkLayout

from .augment import Augmentation

Optimizer = Literal["adamw", "adam", "sgd"]
Schedule = Literal["one-cycle", "plateau", "constant"]


@dataclass(frozen=True)
class Recipe:
    """What is trained on which task, how long and how.

    An epoch is `draws` images, drawn class-balanced. `average` is the decay of the averaged weights
    (Polyak), 0 for none. With a `patience`, the result is the epoch with the lowest validation loss, and
    the run ends that many epochs after it; without, the result is the last epoch. `start` names a
    network whose weights training starts from; the result lies the share `way` of the path from these
    to the trained ones (Wortsman et al. 2022). `teachers` are asked once for their probabilities for
    every training image; these make up the share `distillation` of the target (Hinton et al. 2015), the
    label the rest. The share `scanned` of the draws are real scans, normalized as the service does it
    (see sets.scans.read_examples).
    """

    name: str
    task: str
    network: NetworkLayout
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
        """The networks that must have been trained before: the start, if any, and the teachers."""
        return [each for each in (self.start, *self.teachers) if each]

    @property
    def steps(self) -> int:
        """Batches in an epoch."""
        return max(1, self.draws // self.batch)
