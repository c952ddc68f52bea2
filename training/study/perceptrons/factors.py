"""What a perceptron is made of and trained with: six factors of five levels; the sweep over them."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from ..rounds import Outcomes, Stage, accuracies
from ..trials.trial import Trial
from .design import Effects

REGULARIZATIONS: dict[str, dict[str, Any]] = {
    "none": {},
    "weight decay 0.1": {"weight_decay": 0.1},
    "dropout 0.2": {"dropout": 0.2},
    "dropout 0.5": {"dropout": 0.5},
    "batch normalization": {"normalized": True},
}

FACTORS: dict[str, tuple[Any, ...]] = {
    "neurons": (32, 64, 128, 256, 512),
    "layers": (1, 2, 3, 4, 5),
    "rate": (3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
    "batch": (32, 64, 128, 256, 512),
    "activation": ("relu", "gelu", "silu", "tanh", "sigmoid"),
    "regularization": tuple(REGULARIZATIONS),
}
"""Levels by factor, in the order of a Setting; numbers ascend."""

TITLES = {
    "neurons": "neurons a layer",
    "layers": "hidden layers",
    "rate": "learning rate",
    "batch": "batch size",
    "activation": "activation",
    "regularization": "regularization",
}

LOGARITHMIC = ("neurons", "rate", "batch")
"""Factors whose levels are spaced logarithmically."""


class Setting(NamedTuple):
    """A level of each factor."""

    neurons: int
    layers: int
    rate: float
    batch: int
    activation: str
    regularization: str

    def __str__(self) -> str:
        return (
            f"{self.layers} x {self.neurons} {self.activation}, rate {self.rate:g}, "
            f"batch {self.batch}, {self.regularization}"
        )


def level(value: Any) -> str:
    """A level as text: 0.003 or 'relu'."""
    return value if isinstance(value, str) else f"{value:g}"


def neighbours(centre: Setting, factor: str) -> list[Setting]:
    """Every level of one factor, the others as in `centre`, which is among them."""
    return [centre._replace(**{factor: each}) for each in FACTORS[factor]]


def trial(setting: Setting, classes: int, stage: Stage, seed: int) -> Trial:
    """One training of a perceptron of `setting`, at a `stage` of the sweep."""
    regularized = dict(REGULARIZATIONS[setting.regularization])
    decay = regularized.pop("weight_decay", 0.0)
    network = {
        "kind": "perceptron",
        "hidden": [setting.neurons] * setting.layers,
        "classes": classes,
        "activation": setting.activation,
        "dropout": 0.0,
        "normalized": False,
        **regularized,
    }
    return Trial(
        "perceptrons",
        f"{stage.name}: {setting}",
        network,
        stage.images,
        setting.batch,
        setting.rate,
        weight_decay=decay,
        seed=seed,
        points=stage.points,
    )


@dataclass(frozen=True)
class Sweep:
    """The whole sweep: `screened`, the array's runs, and `compared`, all settings trained after it.

    `seen` is the best run of the array, `predicted` its prediction, `centre` the better of the two,
    `combined` takes the best level of each factor around it; `confirmed` are the two best.
    """

    screened: Outcomes[Setting]
    effects: Effects
    compared: Outcomes[Setting]
    seen: Setting
    predicted: Setting
    centre: Setting
    combined: Setting
    confirmed: Outcomes[Setting]

    def along(self, factor: str) -> dict[Any, list[float]]:
        """Accuracies, one for each seed, by the level of one factor, the others as in the centre."""
        return {
            getattr(each, factor): accuracies(self.compared[each])
            for each in neighbours(self.centre, factor)
        }
