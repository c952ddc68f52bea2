"""A trial: one small network, trained by stated settings on so many images; and its outcome."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Trial:
    """What is trained, and how; `name` describes it for people and is the same for every `seed`.

    `network` is a layout that `networks.build` knows. `images` are shown in all, drawn class-balanced
    from the first `pool` training images of each class (0: all), by AdamW and one cycle of the learning
    rate. `start` names the network whose features it begins with (see registry.find; a file of ImageNet
    weights for a ResNet), which stay as they are if `frozen`. It is validated `points` times, evenly.
    """

    section: str
    name: str
    network: Mapping[str, Any]
    images: int
    batch: int
    learning_rate: float
    weight_decay: float = 0.0
    seed: int = 0
    points: int = 4
    pool: int = 0
    start: str = ""
    frozen: bool = False

    @property
    def steps(self) -> int:
        """Batches: those that `images` fill, or one of more than were asked for."""
        return max(1, self.images // self.batch)

    @property
    def shown(self) -> int:
        """How many images its whole batches show."""
        return self.steps * self.batch

    @cached_property
    def key(self) -> str:
        """The name of its files: the same for the same settings, whatever section they are in."""
        settings = {**asdict(self), "section": "", "name": ""}
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Point:
    """Where a trial stood after `images`: losses in nats, accuracies as shares.

    `loss` and `accuracy` are means over what was shown since the point before.
    """

    images: int
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float


@dataclass(frozen=True)
class Outcome:
    """What became of a trial: its curve, size, multiply-accumulates an image, and processor seconds."""

    trial: Trial
    points: Sequence[Point]
    parameters: int
    macs: int
    seconds: float

    @property
    def accuracy(self) -> float:
        """The validation accuracy at the end: no point is chosen."""
        return self.points[-1].validation_accuracy
