"""The settings of a training run, printed with it; one recipe a published network."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from model.card import Recipe as Normalisation

from .data import Split, read_balanced, read_digits

BALANCED = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt"
DIGITS = "0123456789"


@dataclass(frozen=True)
class Recipe:
    """What is trained, on what, and how long. `draws` are images an epoch, class-balanced."""

    name: str
    labels: str
    read: Callable[[Path, int], Split]
    normalisation: Normalisation
    measured_on: str
    mean: float
    std: float
    stages: tuple[tuple[int, ...], ...]
    epochs: int
    draws: int
    batch: int = 256
    learning_rate: float = 6e-3
    weight_decay: float = 0.02
    label_smoothing: float = 0.05
    average: float = 0.998
    rotation: float = 12.0
    scale: float = 0.12
    shear: float = 0.15
    shift: float = 2.0
    seed: int = 0
    network: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        layout = {"kind": "convnet", "stages": self.stages, "classes": len(self.labels)}
        object.__setattr__(self, "network", layout)


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="balanced",
            labels=BALANCED,
            read=read_balanced,
            normalisation="emnist",
            measured_on="own 47-class EMNIST test, 9,400 images, 200 a class",
            mean=0.1737,
            std=0.3317,
            stages=((24,), (48, 48), (64, 96, 96)),
            epochs=20,
            draws=112_800,
        ),
        Recipe(
            name="digits",
            labels=DIGITS,
            read=read_digits,
            normalisation="mnist",
            measured_on="MNIST test, 10,000 images",
            mean=0.1307,
            std=0.3081,
            stages=((16,), (32, 32), (48, 64)),
            epochs=16,
            draws=55_000,
        ),
    )
}
