"""Two trained networks become one: the cheap one reads everything, the expensive one only what the first
is unsure of."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from model.card import BadCard, Card
from model.engines.predictor import Floats
from model.engines.torch_predictor import TorchPredictor
from model.networks import Cascade

from .measures.calibration import OUT_OF_REACH, rounded, uncertain_below
from .measures.cost import MacCounter
from .registry import require_alike, unmeasured
from .sets.data import Set

TOLERANCE = 0.0005
"""The share of validation images that may be lost for speed; on the test set it may be twice as high."""

BUDGET = 0.25
"""What a cascade may cost on average, as a share of its expensive half, in multiply-accumulates."""


@dataclass(frozen=True)
class Choice:
    """A threshold, the share of validation images below it, and the accuracy of the cascade with it."""

    threshold: float
    share: float
    accuracy: float


def choose_threshold(
    first: Floats,
    second: Floats,
    labels: npt.NDArray[np.uint8],
    tolerance: float = TOLERANCE,
    most: float = 1.0,
) -> Choice:
    """The lowest threshold on the confidence of `first` with which the cascade is as accurate, within
    `tolerance`, as `second` alone.

    No more than the share `most` of the images is sent on to `second`, however accurate that is.
    `first` and `second` are calibrated probabilities (n, classes) of validation images.
    """
    confidence = first.max(axis=1)
    order = np.argsort(confidence)
    steps = np.flatnonzero(np.diff(confidence[order])) + 1  # equal confidences go together
    counts = np.array([0, *steps, len(order)])  # of images that a threshold may send on
    by_first, by_second = (each.argmax(axis=1) == labels for each in (first, second))
    gained = np.cumsum((by_second.astype(int) - by_first)[order])
    right = by_first.sum() + np.concatenate([[0], gained])  # by how many of the least sure are sent on
    wanted = (by_second.mean() - tolerance) * len(labels)
    enough, allowed = counts[right[counts] >= wanted], counts[counts <= most * len(labels)]
    sent = int(min(enough[0], allowed[-1]))
    threshold = float(confidence[order[sent]]) if sent < len(order) else OUT_OF_REACH
    return Choice(threshold, sent / len(labels), float(right[sent]) / len(labels))


def combine(
    name: str, first: TorchPredictor, second: TorchPredictor, validation: Set
) -> tuple[Card, Cascade, Choice]:
    """The cascade of both, its threshold chosen on `validation`.

    Raises BadCard if they do not belong together (see require_alike), or if the first costs too much.
    """
    require_alike(first.card, second.card)
    (cheap, cost), (costly, whole) = (_asked(each, validation) for each in (first, second))
    if cost >= BUDGET * whole:
        raise BadCard(
            f"{first.card.name} alone costs {cost / whole:.0%} of {second.card.name}: both together may "
            f"cost {BUDGET:.0%} of it, so it would never be asked"
        )
    choice = choose_threshold(cheap, costly, validation.labels, most=BUDGET - cost / whole)
    layout: dict[str, Any] = {
        "first": first.card.network,
        "second": second.card.network,
        "temperatures": (first.card.temperature, second.card.temperature),
        "threshold": choice.threshold,
    }
    module = Cascade(**layout)
    module.first.load_state_dict(first.module.state_dict())
    module.second.load_state_dict(second.module.state_dict())
    card = unmeasured(second.card, name, {"kind": "cascade", **layout}, module)
    card = replace(card, temperature=1.0)  # each part is calibrated already
    likely = TorchPredictor(card, module, "cpu").probabilities(validation.images)
    sure = uncertain_below(likely, validation.labels)
    return replace(card, uncertain_below=rounded(sure)), module.eval(), choice


def _asked(network: TorchPredictor, validation: Set) -> tuple[Floats, float]:
    """Calibrated probabilities of the images, and multiply-accumulates per image."""
    with MacCounter() as counter:
        seen = network.probabilities(validation.images)
    return seen, counter.macs / len(validation)
